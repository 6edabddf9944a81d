"""``dcgan import``: a model trained elsewhere becomes a run."""

from __future__ import annotations

from pathlib import Path


def import_model(
    generator: Path,
    discriminator: Path | None = None,
    /,
    *,
    out: Path,
    like: str | None = None,
) -> None:
    """Make a run of a model trained elsewhere, to sample, explore and evaluate it.

    The files are read without running anything in them. The layers are recognized for the DCGAN
    example of PyTorch, the DCGAN of PyTorch-GAN, the DCGAN tutorial of TensorFlow and the code of
    the DCGAN authors. For other models, choose them by --like.

    Parameters
    ----------
    generator
        Choose the file of the generator's weights: .pth, .pt, .bin or .ckpt (a PyTorch state
        dict), .safetensors, .npz, .npy or .h5 (Keras).
    discriminator
        Choose the file of the discriminator's weights. Without it, the run has no discriminator.
    out
        Set the run folder: a new or an empty one.
    like
        Choose the layers: a recipe, or a YAML file with model.generator.layers. Without it, layers
        that are not recognized are written to a file in which you fill in what is missing.
    """
    from dcgan.cli.flags import screen
    from dcgan.exchange import import_model as bring_in
    from dcgan.models.geometry import describe_plan

    with screen() as reporter:
        run = bring_in(generator, discriminator, out=out, like=like, reporter=reporter)
    networks = run.networks
    given = networks.latent_shape or (networks.latent.width, 1, 1)
    print(f"run folder     {run.path}")
    print(f"generator      {describe_plan(networks.generator, given)}")
    if networks.discriminator:
        described = describe_plan(networks.discriminator, networks.image_shape)
        print(f"discriminator  {described}")
    else:
        print("discriminator  none")
