"""Train a DCGAN, grade it, generate images and export it: the smallest complete program.

    python minimal_dcgan.py IMAGES --images 100000

IMAGES is a folder or a .zip of images, or a name such as digits.
"""

import argparse

import dcgan

parser = argparse.ArgumentParser(description="Train a DCGAN on a folder of images.")
parser.add_argument("data", help="a folder or a .zip of images, or a name such as digits")
parser.add_argument("--images", type=int, help="real images to show, with repetitions")
parser.add_argument("--out", default="runs/minimal", help="the run folder")
args = parser.parse_args()

run = dcgan.train(args.data, images=args.images, out=args.out)
print(run.health().verdict)
distance = run.evaluate()["frechet_distance"]
print(f"Fréchet distance {distance.value:.2f}; real images score {distance.baseline:.2f}")
run.sheet(64, seed=1).save(f"{args.out}.png")
print(run.export("weights", f"{args.out}-model").path)
