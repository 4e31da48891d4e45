from mlsys.features import FEATURES
from mlsys.features.tabular import TabularFeatures
from mlsys.features.text import TextColumn
from mlsys.testing.features import FeaturesContract


class TestTabular(FeaturesContract):
    recipe = TabularFeatures()


class TestTabularWithEveryOption(FeaturesContract):
    recipe = TabularFeatures(
        scale=False,
        clip=3.0,
        missing_indicators=False,
        missing_category="most_frequent",
        rare_share=0,
        max_categories=5,
    )


class TestTabularWithText(FeaturesContract):
    recipe = TabularFeatures(text={"owner": TextColumn()})


class Reduced(TabularFeatures):
    """What models that take no sparse matrix get of it."""

    build = TabularFeatures.build_dense


class TestTabularWithReducedText(FeaturesContract):
    recipe = Reduced(text={"owner": TextColumn(reduce=8)})


def test_every_recipe_of_the_table_is_tested() -> None:
    assert set(FEATURES) <= {type(case.recipe) for case in FeaturesContract.__subclasses__()}
