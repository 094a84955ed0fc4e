"""The tasks of `quality.py`: one file per kind, each with a list `TASKS` of `common.Task`.

A task is found when its file is there. To add a model to a task, add its recipe to the file's
table; to add a task, write a file beside these:

    def run(model_name, seed, out, quick) -> common.Result: ...

    TASKS = [Task("name", RECIPES, run)]
"""

import importlib
import pkgutil


def all_tasks():
    """The tasks by name, in the order of their files' names."""
    modules = (
        importlib.import_module(f"{__name__}.{found.name}")
        for found in pkgutil.iter_modules(__path__)
    )
    return {task.name: task for module in modules for task in getattr(module, "TASKS", ())}
