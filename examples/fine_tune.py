"""Fine-tune a trained DCGAN on other images, of which a few hundred may be enough.

    python fine_tune.py RUN IMAGES --images 20000

RUN is the run folder whose weights training starts from. The networks, the size and the number of
channels are those of RUN.
"""

import argparse

import dcgan

parser = argparse.ArgumentParser(description="Train on other images, from the weights of a run.")
parser.add_argument("run", help="the run folder to start from")
parser.add_argument("data", help="the other images: a folder, a .zip or a name")
parser.add_argument("--images", type=int, help="real images to show, with repetitions")
parser.add_argument("--freeze", type=int, default=2, help="discriminator layers not to train")
parser.add_argument("--out", default="runs/fine-tuned", help="the new run folder")
args = parser.parse_args()

tuned = dcgan.train(
    args.data,
    init=args.run,
    images=args.images,
    out=args.out,
    settings={"start": {"freeze_discriminator": args.freeze}},
)
for run in (dcgan.open_run(args.run), tuned):
    distance = run.evaluate(args.data)["frechet_distance"]
    print(f"{run.path}: Fréchet distance {distance.value:.2f}, lower is better")
tuned.sheet(64).save(f"{args.out}.png")
