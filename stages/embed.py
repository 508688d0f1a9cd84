"""Compute what a frozen network makes of a region's images, once for all that learn from it."""

from pathlib import Path

from pipeline.classifiers.embeddings import embed, save_embeddings, save_none
from pipeline.common.files import digest_folder
from pipeline.params import load_params
from pipeline.regions.variants import Variant
from stages import run


def main(region: str, network: str) -> None:
    params = load_params()
    params.region(region)  # that there is one of this name, and such a network
    params.cell(region, network, str(params.seeds[0]))
    recipe = params.classifier_recipe(network)
    path, folder = Path(f"data/embeddings/{region}/{network}.npz"), Path(f"data/variants/{region}")
    if recipe.network.last_only:
        variant = Variant.load(folder)
        save_embeddings(embed(path, network, recipe, variant, digest_folder(folder), f"{network} on {region}"))
    else:
        save_none(path)


if __name__ == "__main__":
    run(main)
