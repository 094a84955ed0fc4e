"""The zoo's networks and games in plain PyTorch, as its users write them: for the benchmarks.

`games()[name](shape, options, ...)` makes a `Game`, whose `step(batch)` moves every player once, in
the order of kgan's: each turn makes its own fakes, or both share them. Nothing here knows kgan or
Keras.
"""

import contextlib
import math

import torch
from torch import nn
from torch.nn import functional
from torch.utils import flop_counter
from torch.utils._python_dispatch import TorchDispatchMode


def perceptrons(shape):
    """The generator and the discriminator of `kgan.zoo`'s "vanilla"."""
    height, width, channels = shape
    size = height * width * channels
    generator = nn.Sequential(
        *(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 512), nn.ReLU()),
        *(nn.Linear(512, size), nn.Tanh(), nn.Unflatten(1, (channels, height, width))),
    )
    discriminator = nn.Sequential(
        *(nn.Flatten(), nn.Linear(size, 512), nn.LeakyReLU(0.2), nn.Dropout(0.3)),
        *(nn.Linear(512, 256), nn.LeakyReLU(0.2), nn.Dropout(0.3), nn.Linear(256, 1)),
    )
    return generator, discriminator


def dcgan(shape, stages, width=64):
    """The generator and the discriminator of `kgan.networks.dcgan`."""
    height, wide, channels = shape
    base = height // 2**stages, wide // 2**stages
    depths = [width * 2**stage for stage in range(stages)]
    parts = [
        nn.Linear(100, base[0] * base[1] * depths[-1], bias=False),
        nn.Unflatten(1, (depths[-1], *base)),
    ]
    following = [*reversed(depths[:-1]), channels]
    for place, (depth, after) in enumerate(zip(reversed(depths), following, strict=True)):
        last = place == stages - 1
        parts += [nn.BatchNorm2d(depth), nn.ReLU()]
        parts += [nn.ConvTranspose2d(depth, after, 5, 2, 2, output_padding=1, bias=last)]
    generator = nn.Sequential(*parts, nn.Tanh())
    parts = [nn.Conv2d(channels, depths[0], 5, 2, 2), nn.LeakyReLU(0.2)]
    for before, depth in zip(depths[:-1], depths[1:], strict=True):
        parts += [nn.Conv2d(before, depth, 5, 2, 2, bias=False)]
        parts += [nn.BatchNorm2d(depth), nn.LeakyReLU(0.2)]
    parts += [nn.Flatten(), nn.Linear(base[0] * base[1] * depths[-1], 1)]
    networks = generator, nn.Sequential(*parts)
    for network in networks:
        for parameter in network.parameters():
            if parameter.ndim > 1:
                nn.init.normal_(parameter, std=0.02)
    return networks


class _Residual(nn.Module):
    def __init__(self, *parts):
        super().__init__()
        self.branch = nn.Sequential(*parts)

    def forward(self, x):
        return x + self.branch(x)


def resnet(channels=3, width=64, num_blocks=9):
    """The generator of `kgan.networks.resnet`."""

    def normalized(depth):
        return nn.InstanceNorm2d(depth, affine=True)

    parts = [nn.ReflectionPad2d(3), nn.Conv2d(channels, width, 7, bias=False)]
    parts += [normalized(width), nn.ReLU()]
    for factor in (2, 4):
        parts += [nn.Conv2d(factor * width // 2, factor * width, 3, 2, 1, bias=False)]
        parts += [normalized(factor * width), nn.ReLU()]
    depth = 4 * width
    for _ in range(num_blocks):
        branch = []
        for _ in range(2):
            branch += [nn.ReflectionPad2d(1), nn.Conv2d(depth, depth, 3, bias=False)]
            branch += [normalized(depth), nn.ReLU()]
        parts.append(_Residual(*branch[:-1]))
    for factor in (2, 1):
        parts += [
            nn.ConvTranspose2d(
                2 * factor * width, factor * width, 3, 2, 1, output_padding=1, bias=False
            )
        ]
        parts += [normalized(factor * width), nn.ReLU()]
    return nn.Sequential(*parts, nn.ReflectionPad2d(3), nn.Conv2d(width, channels, 7), nn.Tanh())


def patchgan(channels=3, width=64, receptive_field=70):
    """The discriminator of `kgan.networks.patchgan`."""
    kernel, strides = {70: (4, (2, 2, 2, 1)), 16: (4, (2, 1))}[receptive_field]
    parts, before = [], channels
    for stage, stride in enumerate(strides):
        after = width * 2 ** min(stage, 3)
        # Padded to keep the size where the stride is 1, as kgan's.
        padding = nn.ZeroPad2d((1, 2, 1, 2) if stride == 1 else 1)
        parts += [padding, nn.Conv2d(before, after, kernel, stride, bias=stage == 0)]
        parts += [nn.InstanceNorm2d(after, affine=True)] if stage else []
        parts, before = [*parts, nn.LeakyReLU(0.2)], after
    return nn.Sequential(*parts, nn.ZeroPad2d((1, 2, 1, 2)), nn.Conv2d(before, 1, kernel))


class _Basis(nn.Module):
    def __init__(self, channels, side, std):
        super().__init__()
        self.basis = nn.Parameter(std * torch.randn(channels, side, side))


class _GenerativeBasis(_Basis):
    def forward(self, x):
        return self.basis * x[:, :, None, None]


class _DiscriminativeBasis(_Basis):
    def forward(self, x):
        return (self.basis * x).sum((2, 3))


def r3gan(shape, latent_dim, widths, num_blocks, group_size):
    """The generator and the discriminator of `kgan.networks.r3gan`, widths from image to base."""
    depth = len(widths) * num_blocks

    def convolution(before, after, kernel=1, gain=1.0, **options):
        layer = nn.Conv2d(before, after, kernel, padding=kernel // 2, **options)
        fan_in = layer.weight[0].numel()
        nn.init.normal_(layer.weight, std=gain / math.sqrt(fan_in))
        return layer

    def block(channels):
        inner, gain = 2 * channels, math.sqrt(2 / 1.04) * depth**-0.25
        return _Residual(
            *(convolution(channels, inner, gain=gain), nn.LeakyReLU(0.2)),
            convolution(inner, inner, 3, gain=gain, groups=inner // min(group_size, inner)),
            *(nn.LeakyReLU(0.2), convolution(inner, channels, gain=0.0, bias=False)),
        )

    side = shape[0] // 2 ** (len(widths) - 1)
    last = widths[-1]
    parts = [nn.Linear(latent_dim, last, bias=False), _GenerativeBasis(last, side, 1.0)]
    for stage, channels in enumerate(reversed(widths)):
        if stage:
            before = widths[len(widths) - stage]
            parts += [convolution(before, channels, bias=False)] if before != channels else []
            parts += [nn.Upsample(scale_factor=2, mode="bilinear")]
        parts += [block(channels) for _ in range(num_blocks)]
    generator = nn.Sequential(*parts, convolution(widths[0], shape[2], bias=False), nn.Tanh())
    parts = [convolution(shape[2], widths[0], bias=False)]
    for stage, channels in enumerate(widths):
        if stage:
            before = widths[stage - 1]
            parts += [nn.AvgPool2d(2)]
            parts += [convolution(before, channels, bias=False)] if before != channels else []
        parts += [block(channels) for _ in range(num_blocks)]
    parts += [_DiscriminativeBasis(last, side, 1 / side), nn.Linear(last, 1, bias=False)]
    return generator, nn.Sequential(*parts)


class Game:
    """Two players, each with its networks, an Adam optimizer and a loss.

    Args:
        networks: dict of player -> list of modules, in order of play.
        adam: dict of options of `torch.optim.Adam`.
        device: where it plays. Defaults to `"cpu"`.
        bfloat16: whether networks run under autocast. Defaults to `False`.
        channels_last: whether weights and images lie channels last. Defaults to `False`.
        compiled: `None` for eager, or a mode of `torch.compile`. Defaults to `None`.
        ema: momentum of an average of the last player's weights. Defaults to none.
    """

    def __init__(
        self,
        networks,
        adam,
        *,
        device="cpu",
        bfloat16=False,
        channels_last=False,
        compiled=None,
        ema=None,
    ):
        self.device, self.bfloat16 = torch.device(device), bfloat16
        self.format = torch.channels_last if channels_last else torch.contiguous_format
        self.networks = {
            player: [m.to(self.device, memory_format=self.format) for m in modules]
            for player, modules in networks.items()
        }
        # The fused update is torch's fastest.
        options = {"eps": 1e-7, "fused": self.device.type != "meta", **adam}
        self.optimizers = {
            player: torch.optim.Adam(self.parameters(player), **options) for player in networks
        }
        self.losses = {player: getattr(self, f"{player}_loss") for player in networks}
        if compiled is not None:
            self.losses = {
                player: torch.compile(loss, mode=compiled) for player, loss in self.losses.items()
            }
        self.compiled, self.ema, self.averages = compiled, ema, None
        if ema is not None:
            self.averages = [p.detach().clone() for p in self.parameters(list(networks)[-1])]

    def parameters(self, player):
        return [p for module in self.networks[player] for p in module.parameters()]

    def real(self, batch):
        """A batch of bytes (n, h, w, c), scaled on the device."""
        x = batch.to(self.device, non_blocking=True).permute(0, 3, 1, 2)
        return (x.float() / 127.5 - 1.0).contiguous(memory_format=self.format)

    def autocast(self):
        if not self.bfloat16:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)

    def step(self, *batch):
        batch = [self.real(part) for part in batch]
        players = list(self.networks)
        for player in players:
            for other in players:
                # A turn needs no gradients of the others' weights.
                for module in self.networks[other]:
                    module.requires_grad_(other == player)
            if self.compiled is not None:
                torch.compiler.cudagraph_mark_step_begin()
            loss = self.losses[player](*self.given(player, batch))
            self.optimizers[player].zero_grad(set_to_none=True)
            loss.backward()
            self.optimizers[player].step()
        if self.averages is not None:
            torch._foreach_lerp_(
                self.averages, [p.data for p in self.parameters(players[-1])], 1 - self.ema
            )
        return loss

    def given(self, player, batch):
        """What a player's loss is a function of."""
        return batch


class NoiseGame(Game):
    """A generator of noise against a discriminator: the non-saturating loss."""

    def __init__(self, generator, discriminator, latent_dim, uniform, adam, **options):
        self.latent_dim, self.uniform = latent_dim, uniform
        self.generator, self.discriminator = generator, discriminator
        players = {"discriminator": [discriminator], "generator": [generator]}
        super().__init__(players, adam, **options)

    def imagine(self, count):
        noise = torch.empty((count, self.latent_dim), device=self.device)
        noise = noise.uniform_(-1, 1) if self.uniform else noise.normal_()
        with self.autocast():
            return self.generator(noise).float()

    def logits(self, x):
        with self.autocast():
            return self.discriminator(x).float()

    def discriminator_loss(self, real):
        with torch.no_grad():
            fake = self.imagine(len(real))
        softplus = functional.softplus
        return softplus(-self.logits(real)).mean() + softplus(self.logits(fake)).mean()

    def generator_loss(self, real):
        return functional.softplus(-self.logits(self.imagine(len(real)))).mean()


class SharedNoiseGame(NoiseGame):
    """The same with one pass of the generator for both turns, as in PyTorch's own tutorial."""

    def step(self, batch):
        real, softplus = self.real(batch), functional.softplus
        fake = self.imagine(len(real))
        turns = {
            "discriminator": lambda: (
                softplus(-self.logits(real)).mean() + softplus(self.logits(fake.detach())).mean()
            ),
            "generator": lambda: softplus(-self.logits(fake)).mean(),
        }
        for player, turn in turns.items():
            self.discriminator.requires_grad_(player == "discriminator")
            loss = turn()
            self.optimizers[player].zero_grad(set_to_none=True)
            loss.backward()
            self.optimizers[player].step()
        return loss


class R3GANGame(NoiseGame):
    """Relativistic pairing with R1 and R2, which share a pass with the logits."""

    gamma = 1.0

    def discriminator_loss(self, real):
        with torch.no_grad():
            fake = self.imagine(len(real))
        sides = [x.detach().requires_grad_(True) for x in (real, fake)]
        on_real, on_fake = (self.logits(x) for x in sides)
        loss = functional.softplus(on_fake - on_real).mean()
        for logits, x in zip((on_real, on_fake), sides, strict=True):
            (gradient,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
            loss = loss + 0.5 * self.gamma * gradient.square().sum((1, 2, 3)).mean()
        return loss

    def generator_loss(self, real):
        fake = self.imagine(len(real))
        return functional.softplus(self.logits(real) - self.logits(fake)).mean()


class CycleGame(Game):
    """Two generators that invert each other: least squares, cycles, identities, pools of 50."""

    def __init__(self, make_generator, make_discriminator, adam, **options):
        self.to_b, self.to_a = make_generator(), make_generator()
        self.on_a, self.on_b = make_discriminator(), make_discriminator()
        self.pools = [], []
        players = {
            "discriminators": [self.on_a, self.on_b],
            "generators": [self.to_b, self.to_a],
        }
        super().__init__(players, adam, **options)

    def call(self, network, x):
        with self.autocast():
            return network(x).float()

    def given(self, player, batch):
        if player == "generators":
            return batch
        a, b = batch
        with torch.no_grad():
            made = self.call(self.to_a, b), self.call(self.to_b, a)
        pooled = [self.pooled(pool, fake) for pool, fake in zip(self.pools, made, strict=True)]
        return a, b, *pooled

    @staticmethod
    def pooled(pool, fake, size=50):
        """Half of the fakes, exchanged for earlier ones once the pool is full."""
        shown = []
        for image in fake:
            if len(pool) < size:
                pool.append(image.clone())
            elif torch.rand(()) < 0.5:
                place = int(torch.randint(size, ()))
                image, pool[place] = pool[place], image.clone()
            shown.append(image)
        return torch.stack(shown)

    def discriminators_loss(self, a, b, fake_a, fake_b):
        loss = 0.0
        for network, real, fake in ((self.on_a, a, fake_a), (self.on_b, b, fake_b)):
            on_real, on_fake = self.call(network, real), self.call(network, fake)
            loss = loss + 0.5 * ((on_real - 1).square().mean() + on_fake.square().mean())
        return loss

    def generators_loss(self, a, b):
        fake_b, fake_a = self.call(self.to_b, a), self.call(self.to_a, b)
        loss = (self.call(self.on_a, fake_a) - 1).square().mean()
        loss = loss + (self.call(self.on_b, fake_b) - 1).square().mean()
        distance = functional.l1_loss
        cycle = distance(self.call(self.to_a, fake_b), a)
        cycle = cycle + distance(self.call(self.to_b, fake_a), b)
        identity = distance(self.call(self.to_a, a), a) + distance(self.call(self.to_b, b), b)
        return loss + 10.0 * cycle + 5.0 * identity


def make(model, shape, sizes, shared=False, **options):
    """The game of a model: "vanilla", "dcgan", "cyclegan" or "r3gan".

    Args:
        model: string, its name in the zoo.
        shape: tuple, (height, width, channels).
        sizes: dict, the sizes of the networks.
        shared: whether both turns share a pass of the generator, of "vanilla" and "dcgan". Defaults
            to `False`.
        **options: of `Game`.
    """
    if model == "cyclegan":
        blocks = {key: sizes[key] for key in ("width", "num_blocks")}
        patches = {"receptive_field": sizes["receptive_field"], "width": sizes["patch_width"]}
        return CycleGame(
            lambda: resnet(shape[2], **blocks),
            lambda: patchgan(shape[2], **patches),
            {"lr": 2e-4, "betas": (0.5, 0.999)},
            **options,
        )
    if model == "r3gan":
        networks, adam = r3gan(shape, **sizes), {"lr": 2e-4, "betas": (0.0, 0.99)}
        return R3GANGame(*networks, sizes["latent_dim"], False, adam, ema=0.999, **options)
    adam = {"lr": 2e-4, "betas": (0.5, 0.999)}
    kind = SharedNoiseGame if shared else NoiseGame
    if model == "dcgan":
        return kind(*dcgan(shape, **sizes), 100, True, adam, **options)
    return kind(*perceptrons(shape), 64, False, adam, **options)


def parameter_counts(game):
    """Trainable parameters of each player."""
    return {player: sum(p.numel() for p in game.parameters(player)) for player in game.networks}


class _Flops(TorchDispatchMode):
    """Adds up the floating-point operations of convolutions and matrix products."""

    total = 0

    def __torch_dispatch__(self, function, types, arguments=(), named=None):
        made = function(*arguments, **(named or {}))
        operation = function._overloadpacket
        formula = flop_counter.flop_registry.get(operation)
        if formula is not None and operation is torch.ops.aten.convolution_backward:
            groups, wanted = arguments[9], arguments[10]
            of_input, of_kernel = (
                formula(*arguments[:10], [k == part and wanted[k] for k in range(3)], out_val=made)
                for part in (0, 1)
            )
            # The formula counts a grouped convolution's kernel once per group too often.
            self.total += of_input + of_kernel // groups
        elif formula is not None:
            self.total += formula(*arguments, **(named or {}), out_val=made)
        return made


def flops(model, shape, sizes, batch_size):
    """Floating-point operations of a step's convolutions and matrix products.

    Counted as PyTorch differentiates, on tensors without values.
    """
    with torch.device("meta"):
        game = make(model, shape, sizes, device="meta")
        batch = [torch.empty((batch_size, *shape), dtype=torch.uint8)] * (1 + (model == "cyclegan"))
    with _Flops() as counter:
        game.step(*batch)
    return counter.total
