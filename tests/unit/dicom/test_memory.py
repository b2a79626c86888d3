"""What is remembered is bounded, whatever comes."""

from calotype.dicom.memory import Memory


def test_what_was_kept_is_found_in_its_context_only():
    memory = Memory[str](budget_bytes=10_000)
    memory.keep(memory.of("a"), b"key", "value", 8)
    assert (memory.of("a").get(b"key"), memory.of("b").get(b"key")) == ("value", None)


def test_everything_is_forgotten_when_the_budget_is_spent():
    memory = Memory[str](budget_bytes=1_000)
    table = memory.of("a")
    for number in range(100):
        memory.keep(table, b"%d" % number, "x" * 50, 52)
        assert b"%d" % number in table
        assert len(table) <= 4


def test_many_contexts_cost_too():
    memory = Memory[str](budget_bytes=2_000)
    for number in range(50):
        memory.keep(memory.of(number), b"key", "value", 8)
    assert len(memory._tables) <= 5
