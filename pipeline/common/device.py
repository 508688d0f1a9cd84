"""Where and how precisely networks run: picked once, the same for training and for applying them."""

from __future__ import annotations

import os

import torch
from accelerate import Accelerator


def pick(precision: str = "auto") -> Accelerator:
    """The device at hand, with automatic mixed precision where it is faster.

    Args:
        precision: fp32, bf16, or auto: bf16 where the processor multiplies bfloat16 natively.
            Measured on two AVX-512 cores: GoogLeNet trains 1.6 times, CNN 1 1.5 times as fast as with fp32.
    """
    cuda, free = torch.cuda.is_available(), precision == "auto"
    if free:
        # Older GPUs emulate bfloat16, which is slower than fp32.
        native = (
            torch.cuda.is_bf16_supported(including_emulation=False) if cuda else torch.cpu._is_avx512_bf16_supported()
        )
        precision = "bf16" if native else "fp32"
    if cuda:
        torch.backends.cudnn.benchmark = True  # images come in few sizes, each of them in many batches
        # What auto leaves to fp32 may be multiplied in TF32; who asks for fp32 has it.
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = free
    # Without cpu=True, processes that a launcher starts on CPUs would not find each other.
    return Accelerator(mixed_precision="bf16" if precision == "bf16" else "no", cpu=not cuda)


def first_process() -> bool:
    """Whether this process is the one that reports and writes: of several, launchers number it 0."""
    return int(os.environ.get("RANK", "0")) == 0


def send(values: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A tensor of the CPU on a device; the CPU does not wait until it is there."""
    return values.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else values
