#!/bin/sh
# Train the models that come with the package, find their directions, and export them:
# what `dcgan models` lists.
#
#     benchmarks/built_in_models.sh OUT [NAME ...]
#
# DCGAN_DATA names the folder with mnist, CIFAR-10 (or CIFAR10 its path) and emoji-64.zip (Twemoji,
# 64x64). About two hours on one core. What is complete is skipped, and what is not is resumed; with names, only those are
# made. Open samples.png of each before it is committed.
set -eu

out=${1:?usage: benchmarks/built_in_models.sh OUT [NAME ...]}
shift
asked=" $* "
dcgan=${DCGAN:-dcgan}
package=$(dirname "$0")/../src/dcgan/built_in
mkdir -p "$out" "$package"

# train NAME ARGUMENTS...
train() {
    name=$1
    shift
    [ "$asked" = "  " ] || case "$asked" in *" $name "*) ;; *) return 1 ;; esac
    [ -e "$out/$name.done" ] || $dcgan train "$@" --out "$out/$name"
    touch "$out/$name.done"
}

# direction NAME ARGUMENTS...: of the run that was trained last
direction() {
    $dcgan directions "$out/$name" "$@" --out "$out/$name-$1.png"
}

# export_model LICENCE [NOTE]: the run that was trained last. The sheet gets 128 colors, so that a model
# stays below 1.5 MB
export_model() {
    rm -rf "$package/$name"
    $dcgan export "$out/$name" --to weights --precision fp16 --license "$1" --out "$package/$name"
    python - "$package/$name/samples.png" <<'END'
import sys

from PIL import Image

sheet = Image.open(sys.argv[1])
sheet.quantize(128).save(sys.argv[1], optimize=True)
END
    [ -z "${2:-}" ] || printf '\n%s\n' "$2" >> "$package/$name/README.md"
}

# the discriminator that auto plans for gray images is too weak for so long a run with classes: it
# ends as a constant, and images get worse after 360,000
if train mnist-demo mnist --model.condition label --model.generator.width 32 \
    --model.discriminator.width 32 --objective.r1 1 --images 500000 --seed 1
then
    direction slant --reads slant
    direction stroke --reads stroke --without slant
    export_model mit
fi

if train shapes-demo shapes --size 32 --images 600000 --seed 1; then
    direction size --reads size
    direction red --reads color=red
    direction round --reads shape=circle
    direction across --reads x
    export_model mit
fi

# no discriminator is shipped; a generator of at most 192 channels stays below 1.5 MB
if train emoji-demo "${DCGAN_DATA:?}/emoji-64.zip" --model.generator.max_width 192 \
    --images 220000 --seed 1
then
    direction brightness --reads brightness
    direction face --plus 3,9,10,11,23,31,43,47 --minus 2,5,17,18,30,34,39,44
    export_model cc-by-4.0 "Trained on Twemoji, copyright 2020 Twitter, Inc and other contributors, \
licensed under CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/)."
fi

if train cifar10-demo "${CIFAR10:-cifar10}" --model.condition label --images 600000 --seed 1; then
    direction brightness --reads brightness
    export_model mit
fi
