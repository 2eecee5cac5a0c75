//! Where a network is trained: on the CPU, or on a GPU that is named and never guessed.
//!
//! burn panics, in a thread of its own, when a device is missing. A GPU is therefore used from a
//! thread that may fail, and a failure becomes [`Error::DeviceUnavailable`].

use std::fmt;

use burn::backend::{Autodiff, Flex, flex::FlexDevice};

use super::fit::{Job, Outcome, train};
use crate::{Error, Result};

/// A device to train on. What is predicted with later is always the CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Device {
    /// The CPU, with one thread; the same seed gives the same bits.
    #[default]
    Cpu,
    /// A discrete GPU by its number, through Vulkan, Metal or DX12; needs feature `wgpu`.
    Wgpu(usize),
    /// A GPU that shares the CPU's memory, by its number; needs feature `wgpu`.
    WgpuIntegrated(usize),
    /// An NVIDIA GPU by its number; needs feature `cuda`, and a driver to run.
    Cuda(usize),
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Wgpu(index) => write!(f, "wgpu:{index}"),
            Self::WgpuIntegrated(index) => write!(f, "wgpu-integrated:{index}"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

impl Device {
    /// Trains there.
    #[cfg_attr(
        not(any(feature = "wgpu", feature = "cuda")),
        expect(
            clippy::needless_pass_by_value,
            reason = "the thread that drives a GPU takes it along"
        )
    )]
    pub(super) fn run(self, job: Job) -> Result<Outcome> {
        match self {
            Self::Cpu => train::<Autodiff<Flex>>(&job, &FlexDevice),
            #[cfg(feature = "wgpu")]
            Self::Wgpu(index) => self.guarded(move || {
                let device = burn::backend::wgpu::WgpuDevice::DiscreteGpu(index);
                train::<Autodiff<burn::backend::Wgpu>>(&job, &device)
            }),
            #[cfg(feature = "wgpu")]
            Self::WgpuIntegrated(index) => self.guarded(move || {
                let device = burn::backend::wgpu::WgpuDevice::IntegratedGpu(index);
                train::<Autodiff<burn::backend::Wgpu>>(&job, &device)
            }),
            #[cfg(feature = "cuda")]
            Self::Cuda(index) => self.guarded(move || {
                let device = burn::backend::cuda::CudaDevice::new(index);
                train::<Autodiff<burn::backend::Cuda>>(&job, &device)
            }),
            #[cfg(not(feature = "wgpu"))]
            Self::Wgpu(_) | Self::WgpuIntegrated(_) => {
                Err(self.unavailable("built without feature `wgpu`"))
            }
            #[cfg(not(feature = "cuda"))]
            Self::Cuda(_) => Err(self.unavailable("built without feature `cuda`")),
        }
    }

    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    fn guarded(self, work: impl FnOnce() -> Result<Outcome> + Send + 'static) -> Result<Outcome> {
        std::thread::spawn(work).join().unwrap_or_else(|panic| {
            let text = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied());
            Err(self.unavailable(text.unwrap_or("burn panicked")))
        })
    }

    fn unavailable(self, reason: &str) -> Error {
        Error::DeviceUnavailable {
            device: self.to_string(),
            reason: reason.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_have_plain_names() {
        let names = [
            Device::Cpu,
            Device::Wgpu(0),
            Device::WgpuIntegrated(1),
            Device::Cuda(2),
        ]
        .map(|device| device.to_string());
        assert_eq!(names, ["cpu", "wgpu:0", "wgpu-integrated:1", "cuda:2"]);
    }
}
