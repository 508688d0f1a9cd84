"""Where networks run and how precisely, on machines that are not at hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest
import torch

from pipeline.common import device


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What an accelerator is asked for, in place of one."""
    found: dict[str, Any] = {}
    monkeypatch.setattr(device, "Accelerator", lambda **settings: found.update(settings))
    return found


@pytest.fixture
def flags() -> Iterator[None]:
    """Puts back what is set for the whole process."""
    cudnn = torch.backends.cudnn
    before = cudnn.benchmark, cudnn.allow_tf32, torch.get_float32_matmul_precision()
    yield
    cudnn.benchmark, cudnn.allow_tf32 = before[:2]
    torch.set_float32_matmul_precision(before[2])


@pytest.mark.usefixtures("flags")
@pytest.mark.parametrize(("native", "emulated", "expected"), [(True, True, "bf16"), (False, True, "no")])
def test_bfloat16_is_chosen_on_a_gpu_that_does_not_emulate_it(
    asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch, native: bool, emulated: bool, expected: str
) -> None:
    def supported(including_emulation: bool = True) -> bool:
        return native or (emulated and including_emulation)

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    device.pick("auto")
    assert asked == {"mixed_precision": expected, "cpu": False}


@pytest.mark.parametrize(("native", "expected"), [(True, "bf16"), (False, "no")])
def test_bfloat16_is_chosen_on_a_processor_that_has_it(
    asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch, native: bool, expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: native)
    device.pick("auto")
    assert asked == {"mixed_precision": expected, "cpu": True}


@pytest.mark.parametrize(("precision", "expected"), [("fp32", "no"), ("bf16", "bf16")])
def test_a_precision_that_is_asked_for_is_used(asked: dict[str, Any], precision: str, expected: str) -> None:
    device.pick(precision)
    assert asked["mixed_precision"] == expected


@pytest.mark.usefixtures("asked", "flags")
@pytest.mark.parametrize(("precision", "tf32"), [("auto", True), ("fp32", False), ("bf16", False)])
def test_a_gpu_multiplies_in_tf32_unless_a_precision_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, precision: str, tf32: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    device.pick(precision)
    assert torch.backends.cudnn.benchmark
    assert torch.backends.cudnn.allow_tf32 == torch.backends.cuda.matmul.allow_tf32 == tf32


def test_one_process_applies_networks_in_one_precision_after_another() -> None:
    """As one that finds landmarks and then classifies does, on a machine where these differ."""
    layer, ones = torch.nn.Linear(2, 2), torch.ones(1, 2)
    for precision, expected in (("fp32", torch.float32), ("bf16", torch.bfloat16), ("fp32", torch.float32)):
        place = device.place(precision)
        with device.autocast(place, precision):
            assert layer.to(place)(ones.to(place)).dtype == expected


class OnCpu:
    """As much of a tensor as is asked of it, for there may be no GPU to send one to."""

    device = torch.device("cpu")

    def __init__(self) -> None:
        self.asked: list[object] = []

    def pin_memory(self) -> OnCpu:
        self.asked.append("pinned")
        return self

    def to(self, where: torch.device, non_blocking: bool = False) -> OnCpu:
        self.asked.append((where, non_blocking))
        return self


def test_nothing_waits_for_what_is_sent_to_a_gpu() -> None:
    tensor, gpu = OnCpu(), torch.device("cuda")
    device.send(cast(torch.Tensor, tensor), gpu)
    assert tensor.asked == ["pinned", (gpu, True)]


def test_what_goes_to_a_cpu_stays_as_it_is() -> None:
    tensor = torch.zeros(2)
    assert device.send(tensor, torch.device("cpu")) is tensor
