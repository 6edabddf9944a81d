#!/bin/sh
# Train the five classic systems, evaluate them, and write their reports: what docs/classics.md shows.
#
#     benchmarks/classics.sh OUT [short|full] [NAME ...]
#
# short (the default) trains what two CPU cores can do in a day; full has the length of the documents
# and needs a GPU. DCGAN_DATA names the folder of datasets. With names, only those are trained.
# Stop it at any time: what is complete is skipped, and what is not is resumed.
set -eu

out=${1:?usage: benchmarks/classics.sh OUT [short|full] [NAME ...]}
length=${2:-short}
names=" $* "
dcgan=${DCGAN:-dcgan}
mkdir -p "$out"

# train NAME SHORT FULL ARGUMENTS...: lengths are options of `dcgan train` in one word
train() {
    name=$1 short=$2 full=$3
    shift 3
    case "$names" in *" $name "*) ;; *) [ "$asked" = 0 ] || return 0 ;; esac
    [ -e "$out/$name.done" ] && return 0
    [ "$length" = full ] && option=$full || option=$short
    echo "== $name ${option}"
    # shellcheck disable=SC2086 # an option and its value
    $dcgan train "$@" $option --out "$out/$name" > "$out/$name.log" 2>&1
    $dcgan evaluate "$out/$name" -n "${EVALUATED:-5000}" > "$out/$name.scores.txt" 2>&1
    $dcgan report "$out/$name" >> "$out/$name.log" 2>&1
    touch "$out/$name.done"
}

asked=$(( $# > 2 ))
# so many that one of them is near any epoch
by_epoch="--records.sheets 100"

# S0: the small MNIST DCGAN, with both latents
train small-mnist "--epochs 50" "--epochs 50" mnist --recipe small-mnist $by_epoch
train small-mnist-spatial-latent "--epochs 50" "--epochs 50" \
    mnist --recipe small-mnist-spatial-latent $by_epoch

# S1: the fully connected baseline and the wide MNIST DCGAN
train mlp-mnist "--epochs 50" "--epochs 50" mnist --recipe mlp-mnist $by_epoch
train wide-mnist "--epochs 2" "--epochs 20" mnist --recipe wide-mnist

# S2: the two LSUN models, on CIFAR-10 enlarged to 64x64 where LSUN is not at hand
churches=${LSUN:-cifar10}
train lsun-church-output-norm "--images 50000" "--epochs 30" \
    "$churches" --recipe lsun-church-output-norm
train lsun-church "--images 50000" "--epochs 30" "$churches" --recipe lsun-church

# S3: the rectangular DCGAN, on shapes where CelebA is not at hand; unhealthy without spectral norm
faces=${CELEBA:-shapes}
train celeba-rectangular "--images 4500" "--epochs 25" "$faces" --recipe celeba-rectangular
train celeba-rectangular-unhealthy "--images 4500" "--epochs 25" \
    "$faces" --recipe celeba-rectangular --model.discriminator.norm none
[ -z "${FOLDER:-}" ] ||
    train celeba-rectangular-folder "--images 1500" "--epochs 25" \
        "$FOLDER" --recipe celeba-rectangular --data.fit pad

# S4: the paper
train paper "--images 6400" "--epochs 5" "${IMAGES:-cifar10}" --recipe paper

# a mode collapse, and the closed circle of the first system
train collapse "--images 120000" "--images 120000" \
    mnist --recipe mlp-mnist --optim.generator.lr 0.002 --optim.discriminator.lr 0.002
[ ! -e "$out/small-mnist.done" ] || [ -e "$out/circle.gif" ] ||
    $dcgan interpolate "$out/small-mnist" --kind circle --out "$out/circle.gif"
