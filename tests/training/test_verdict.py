"""Curves whose story is known, with noise on them."""

from __future__ import annotations

import numpy as np
import pytest

from luthier.training.verdict import Course, Moment, Verdict, judge, say_verdict

MINUTES = 10.0
SEEDS = range(20)


def moments(scores: np.ndarray, losses: np.ndarray, *, noise: float = 0.0, seed: int = 0) -> list[Moment]:
    """A ten-minute run with these scores, and noise on both curves."""
    generator = np.random.default_rng(seed)
    seconds = np.linspace(0, 60 * MINUTES, len(scores) + 1)[1:]
    noisy = scores + noise * generator.standard_normal(len(scores))
    noisy_losses = losses + noise * generator.standard_normal(len(losses))
    return [Moment(*values) for values in zip(seconds, noisy_losses, noisy, strict=True)]


def story(course: Course, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Validation scores and training losses, from the beginning (0) to the end (1) of a run."""
    time = np.linspace(0, 1, count + 1)[1:]
    start = 1.5 * np.exp(-time / 0.08)
    after_the_turn = np.clip(time - 0.32, 0, 1)
    falling_losses = 4 + 3 * np.exp(-4 * time)
    return {
        "improving": (1.0 + 2.5 * (20 * time + 1) ** -0.15, falling_losses),
        "plateau": (2.0 + start, 4 + start),
        "over-fitting": (2.0 + start + 0.5 * after_the_turn, falling_losses),
        "worsening": (2.0 + start + 0.5 * after_the_turn, 4 + 3 * np.exp(-time / 0.03)),
    }[course]


@pytest.mark.parametrize("course", ["improving", "plateau", "over-fitting", "worsening"])
@pytest.mark.parametrize("count", [10, 40, 100])
def test_a_clean_curve_is_read_right(course: Course, count: int) -> None:
    assert judge(moments(*story(course, count))).course == course


def test_the_best_score_of_all_is_no_plateau() -> None:
    scores, losses = story("plateau", 40)
    assert judge(moments(scores, losses)).course == "plateau"
    scores[-1] -= 0.02
    assert judge(moments(scores, losses)).course == "improving"


@pytest.mark.parametrize(("course", "at_least"), [("improving", 20), ("plateau", 17), ("over-fitting", 20)])
def test_noise_does_not_change_the_verdict(course: Course, at_least: int) -> None:
    scores, losses = story(course, 40)
    found = [judge(moments(scores, losses, noise=0.02, seed=seed)).course for seed in SEEDS]
    assert found.count(course) >= at_least


def test_a_curve_that_only_looks_flat_in_noise_is_mostly_not_given_up() -> None:
    """In a third of the run this curve falls by no more than the noise of one validation, and there are but twenty."""
    scores, losses = story("improving", 20)
    found = [judge(moments(scores, losses, noise=0.05, seed=seed)).course for seed in range(60)]
    assert found.count("improving") >= 40
    assert set(found) <= {"improving", "plateau"}


def test_one_bad_validation_at_the_end_is_no_turn() -> None:
    scores, losses = story("plateau", 30)
    scores[-1] += 1.0
    assert judge(moments(scores, losses, noise=0.01)).course == "plateau"


@pytest.mark.parametrize("count", [7, 10, 40])
@pytest.mark.parametrize("above", [0.3, 1.0, 5.0])
def test_one_bad_validation_at_the_end_of_a_falling_curve_is_no_turn(count: int, above: float) -> None:
    scores = np.linspace(4, 2, count)
    scores[-1] += above
    assert judge(moments(scores, scores, noise=0.01)).course == "improving"


@pytest.mark.parametrize("lucky", [1, 4, 8, 11])
def test_one_lucky_validation_in_a_falling_curve_contradicts_nothing(lucky: int) -> None:
    scores = np.linspace(4, 2, 20)
    scores[lucky] = 1.5
    said = say_verdict(judge(moments(scores, scores, noise=0.01)), is_over=True)
    assert said == "Validation improved until the end: a larger budget may help further."


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_what_is_not_finite_is_left_out(broken: float) -> None:
    given = moments(*story("over-fitting", 40), noise=0.005)
    nowhere = [Moment(moment.seconds + 1, broken, broken) for moment in given]
    assert judge([each for both in zip(given, nowhere, strict=True) for each in both]) == judge(given)
    assert judge(nowhere).course == "early"


@pytest.mark.parametrize("count", [1, 3, 40])
def test_a_run_that_diverged_is_not_told_to_go_on(count: int) -> None:
    given = [Moment(*each[:2], 1000.0 * each.score, oracle=2.0) for each in moments(*story("improving", count))]
    verdict = judge(given)
    assert verdict.course == "diverged"
    assert say_verdict(verdict, is_over=True) == (
        "The training has diverged: a larger budget will not help. The steps are too large; try a lower "
        "--set learning_rate."
    )
    again = Moment(given[-1].seconds + 9, 1.0, 3.0, oracle=2.0)
    assert judge([*given, again]).course != "diverged"


def test_few_validations_say_nothing() -> None:
    verdict = judge(moments(*story("plateau", 6)))
    assert verdict.course == "early"
    assert say_verdict(verdict, is_over=False) == ""
    assert (
        say_verdict(verdict, is_over=True)
        == "The training was too short to say what this instrument can be: train it longer first."
    )


@pytest.mark.parametrize(("course", "at_least"), [("improving", 17), ("plateau", 14), ("over-fitting", 19)])
def test_seven_validations_of_a_short_run_are_mostly_read_right(course: Course, at_least: int) -> None:
    found = [judge(moments(*story(course, 7), noise=0.02, seed=seed)).course for seed in SEEDS]
    assert found.count(course) >= at_least


@pytest.mark.parametrize(
    ("best", "said"), [(18, "improved until the end"), (15, "best after 8.0 minutes and no better in the")]
)
def test_it_improved_until_the_end_only_if_one_of_the_last_two_is_the_best(best: int, said: str) -> None:
    scores = np.linspace(3.0, 2.0, 20)
    scores[best] = 1.95
    scores[best + 1 :] = 1.951
    verdict = judge(moments(scores, scores))
    assert verdict.course == "improving"
    assert said in say_verdict(verdict, is_over=True)
    assert say_verdict(verdict, is_over=False) == ""


def test_it_says_when_it_turned_and_for_how_long_nothing_was_gained() -> None:
    turned = judge(moments(*story("over-fitting", 50), noise=0.005))
    assert turned.turn_seconds / 60 == pytest.approx(3.2, abs=0.8)
    assert turned.stalled_seconds == pytest.approx(60 * MINUTES - turned.turn_seconds)
    scores = np.concatenate([np.linspace(3, 2, 20), np.full(20, 2.0)])
    flat = judge(moments(scores, scores, noise=0.005))
    assert flat.course == "plateau"
    assert 4.0 <= flat.stalled_seconds / 60 <= 5.2  # the running median lags, to the careful side


def test_the_flat_end_of_an_annealed_run_is_no_plateau() -> None:
    """The learning rate has fallen to a fifth after seventy per cent of a budget: hardly anything moves from there."""
    scores = np.concatenate([np.linspace(3, 2, 28), np.full(12, 2.0)])
    assert judge(moments(scores, scores, noise=0.005)).course == "improving"


def test_the_words_name_times_and_what_to_do() -> None:
    flat = say_verdict(Verdict("plateau", 360.0, 240.0), is_over=True)
    assert flat == (
        "Validation has improved by no more than its noise for 4.0 minutes: more training will not help; more and more "
        "varied recordings will."
    )
    turned = say_verdict(Verdict("over-fitting", 192.0, 408.0), is_over=True)
    assert turned.startswith("Validation turned upwards after 3.2 minutes while the training loss goes on falling")
    assert "more recordings or a smaller preset" in turned


def test_before_the_end_nobody_is_sent_away_from_a_falling_learning_rate() -> None:
    assert "unless smaller steps" in say_verdict(Verdict("plateau", 30.0, 50.0), is_over=False)
    assert "50 seconds" in say_verdict(Verdict("plateau", 30.0, 50.0), is_over=False)
    courses: tuple[Course, ...] = ("diverged", "plateau", "over-fitting", "worsening")
    for course in courses:
        during, after = (say_verdict(Verdict(course, 30.0, 50.0), is_over=is_over) for is_over in (False, True))
        assert ("unless smaller steps" in during, "unless" in after) == (True, False)
    assert say_verdict(Verdict("improving", 30.0, 1.0), is_over=False) == ""
    assert "a larger budget may help further" in say_verdict(Verdict("improving", 30.0, 0.0), is_over=True)
