"""How many processes run the tests: two for a whole run, none beside this one for named files."""


def pytest_xdist_auto_num_workers(config):  # noqa: D103 -- a hook of pytest-xdist
    return 2 if config.args_source is config.ArgsSource.TESTPATHS else 0
