from mlsys.features import FEATURES
from mlsys.features.tabular import TabularFeatures
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


def test_every_recipe_of_the_table_is_tested() -> None:
    assert set(FEATURES) <= {type(case.recipe) for case in FeaturesContract.__subclasses__()}
