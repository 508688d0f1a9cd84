"""Where and how precisely networks run: picked once, the same for training and for applying them."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager

import torch
from accelerate import Accelerator, PartialState


def pick(precision: str = "auto") -> Accelerator:
    """The device to train on, with automatic mixed precision where it is faster; a process has one precision.

    Args:
        precision: fp32, bf16, or auto: bf16 where the processor multiplies bfloat16 natively.
            Measured on two AVX-512 cores: GoogLeNet trains 1.6 times, CNN 1 1.5 times as fast as with fp32.
    """
    cuda = _tune(precision)
    # Without cpu=True, processes that a launcher starts on CPUs would not find each other.
    return Accelerator(mixed_precision="bf16" if _rounds(precision) else "no", cpu=not cuda)


def place(precision: str = "auto") -> torch.device:
    """The device to apply networks on, which a process may do in one precision after another; see `autocast`."""
    found: torch.device = PartialState(cpu=not _tune(precision)).device
    return found


def autocast(device: torch.device, precision: str = "auto") -> AbstractContextManager[None]:
    """What networks are applied in; see `pick` for the precision."""
    context: AbstractContextManager[None] = torch.autocast(device.type, torch.bfloat16, enabled=_rounds(precision))
    return context


def _rounds(precision: str) -> bool:
    """Whether to multiply in bfloat16."""
    if precision != "auto":
        return precision == "bf16"
    if torch.cuda.is_available():  # older GPUs emulate it, which is slower than fp32
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return torch.cpu._is_avx512_bf16_supported()


def _tune(precision: str) -> bool:
    """Set up the GPU, if there is one, and say so."""
    if not torch.cuda.is_available():
        return False
    torch.backends.cudnn.benchmark = True  # images come in few sizes, each of them in many batches
    # What auto leaves to fp32 may be multiplied in TF32; who asks for fp32 has it.
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = precision == "auto"
    return True


def first_process() -> bool:
    """Whether this process is the one that reports and writes: of several, launchers number it 0."""
    return int(os.environ.get("RANK", "0")) == 0


def send(values: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A tensor of the CPU on a device; the CPU does not wait until it is there."""
    return values.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else values
