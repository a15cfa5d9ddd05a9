import os
import signal
import threading

import pytest

from cvgen_course.experiments.core.interrupt import postponed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_postponed_turns_a_signal_into_an_answer(number, capfd):
    with postponed() as stop:
        assert not stop()
        os.kill(os.getpid(), number)
        assert stop()
    assert "Stopping as soon as a checkpoint is written" in capfd.readouterr().err


def test_postponed_takes_many_and_shows_one_message(capfd):
    with postponed() as stop:
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGINT)
        assert stop()
    assert capfd.readouterr().err.count("Stopping") == 1


def test_postponed_puts_the_handlers_back():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with pytest.raises(ZeroDivisionError), postponed():
        _ = 1 / 0
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


def test_postponed_in_another_thread_never_stops():
    answers = []

    def work():
        with postponed() as stop:
            answers.append(stop())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert answers == [False]
