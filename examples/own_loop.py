"""Train a DCGAN with a loop of your own, in plain PyTorch with the building blocks of dcgan.

    python own_loop.py digits 1000

The arguments are the dataset and the number of steps. The last lines print the Fréchet distance
to the training images (lower is better) and write eight images to own_loop.png.
"""

import sys

import torch
from PIL import Image

import dcgan
from dcgan.augment import Augment
from dcgan.data import Batches, PixelScale, load_dataset, open_source
from dcgan.metrics import frechet_distance, pretrained_extractor
from dcgan.models import AveragedGenerator
from dcgan.objectives import OBJECTIVES, zero_centered_penalty

torch.manual_seed(0)
device = "cuda" if torch.cuda.is_available() else "cpu"
dataset = load_dataset(open_source(sys.argv[1]), size=(32, 32), channels=1)
gan = dcgan.build("auto", size=32, channels=1)
optim, r1, loss = gan.recipe.optim, gan.recipe.objective.r1, OBJECTIVES["non-saturating"]
generator, discriminator = gan.generator.to(device), gan.discriminator.to(device)
g_adam = torch.optim.Adam(generator.parameters(), optim.generator.lr, (0.0, 0.99))
d_adam = torch.optim.Adam(discriminator.parameters(), optim.discriminator.lr, (0.0, 0.99))
average = AveragedGenerator(generator, half_life=10_000, latent=gan.latent)
augment = Augment(["translation", "cutout"], channels=1, probability=0.3, device=device)

batches = Batches(dataset, optim.batch, seed=0, device=device).starting_at(0)  # endless
for step in range(int(sys.argv[2])):
    real = next(batches).requires_grad_()  # R1 penalizes the gradient at real images
    fake = generator(gan.latent.sample(optim.batch).to(device))
    real_logit, fake_logit = discriminator(augment(real)), discriminator(augment(fake.detach()))
    penalty = 8 * r1 * zero_centered_penalty(real_logit, real) if step % 8 == 0 else 0
    d_loss = loss.discriminator(real_logit, fake_logit) + penalty
    d_adam.zero_grad()
    d_loss.backward()
    d_adam.step()

    g_loss = loss.generator(discriminator(augment(fake)))
    g_adam.zero_grad()
    g_loss.backward()
    g_adam.step()
    average.update(generator, images_seen=(step + 1) * optim.batch, batch=optim.batch)

latents = gan.latent.sample(min(2000, len(dataset))).to(device)
images = PixelScale().denormalize(average.ready(generator)(latents)).cpu().numpy()  # uint8
features = pretrained_extractor(channels=1, size=(32, 32), device=device)
real_features = features(dataset.spread(len(images))).values
print(f"Fréchet distance {frechet_distance(real_features, features(images).values):.1f}")
Image.fromarray(images[:8, 0].transpose(1, 0, 2).reshape(32, -1)).save("own_loop.png")
