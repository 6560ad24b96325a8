from tests.engines.converter import ConverterContract


class TestContract(ConverterContract):
    model_id = "world"
