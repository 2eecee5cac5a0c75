//! Where a network is trained: on the CPU, or on a GPU that is named and never guessed.
//!
//! burn panics, in a thread of its own, when a device is missing. A GPU is therefore first tried from a
//! thread that may fail, and a failure becomes [`Error::DeviceUnavailable`].

use std::fmt;

use burn::backend::{Autodiff, Flex, flex::FlexDevice};

#[cfg(any(feature = "wgpu", feature = "cuda"))]
use super::training::Precision;
use super::{
    fit::{Job, Outcome, PART, Watch, train},
    net::Net,
};
use crate::{Error, Result};

/// A device to train on. What is predicted with later is always the CPU.
///
/// There is no default GPU and no way back to the CPU: what is asked for is used, or is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Device {
    /// The CPU; the same seed gives the same bits, with any number of threads.
    #[default]
    Cpu,
    /// A discrete GPU by its number, through Vulkan, Metal or DX12; needs feature `wgpu`.
    Wgpu(usize),
    /// A GPU that shares the CPU's memory, by its number; needs feature `wgpu`.
    WgpuIntegrated(usize),
    /// A GPU that software imitates, which is slower than [`Device::Cpu`]; needs feature `wgpu`.
    WgpuSoftware,
    /// An NVIDIA GPU by its number; needs feature `cuda`, and a driver to run.
    Cuda(usize),
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Wgpu(index) => write!(f, "wgpu:{index}"),
            Self::WgpuIntegrated(index) => write!(f, "wgpu-integrated:{index}"),
            Self::WgpuSoftware => f.write_str("wgpu-software"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

impl Device {
    /// Trains there.
    pub(super) fn run<N: Net>(self, job: &Job<'_, N>, watch: Watch<'_>) -> Result<Outcome> {
        match self {
            Self::Cpu => train::<N, Autodiff<Flex>>(job, PART, &FlexDevice, watch),
            #[cfg(feature = "wgpu")]
            Self::Wgpu(index) => self.wgpu(&WgpuDevice::DiscreteGpu(index), job, watch),
            #[cfg(feature = "wgpu")]
            Self::WgpuIntegrated(index) => self.wgpu(&WgpuDevice::IntegratedGpu(index), job, watch),
            #[cfg(feature = "wgpu")]
            Self::WgpuSoftware => self.wgpu(&WgpuDevice::Cpu, job, watch),
            #[cfg(feature = "cuda")]
            Self::Cuda(index) => {
                let device = burn::backend::cuda::CudaDevice::new(index);
                self.guarded::<N, burn::backend::Cuda>(&device, job, watch)
            }
            #[cfg(not(feature = "wgpu"))]
            Self::Wgpu(_) | Self::WgpuIntegrated(_) | Self::WgpuSoftware => {
                Err(self.unavailable("built without feature `wgpu`"))
            }
            #[cfg(not(feature = "cuda"))]
            Self::Cuda(_) => Err(self.unavailable("built without feature `cuda`")),
        }
    }

    #[cfg(feature = "wgpu")]
    fn wgpu<N: Net>(
        self,
        device: &WgpuDevice,
        job: &Job<'_, N>,
        watch: Watch<'_>,
    ) -> Result<Outcome> {
        self.guarded::<N, burn::backend::Wgpu>(device, job, watch)
    }

    /// Tries the device with a small sum before it is trained on; a step there is one part.
    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    fn guarded<N: Net, B: burn::tensor::backend::Backend>(
        self,
        device: &B::Device,
        job: &Job<'_, N>,
        watch: Watch<'_>,
    ) -> Result<Outcome> {
        let tried = attempt(|| {
            let one = burn::tensor::Tensor::<B, 1>::from_floats([1.0, 2.0], device);
            (one.clone() + one)
                .sum()
                .into_data()
                .convert::<f32>()
                .to_vec::<f32>()
        });
        match tried {
            Ok(Ok(sum)) if sum == [6.0] => {}
            Ok(_) => return Err(self.unavailable("it cannot add 1 and 2 twice")),
            Err(reason) => return Err(self.unavailable(&reason)),
        }
        if job.training.precision == Precision::Mixed {
            let short = attempt(|| B::supports_dtype(device, burn::tensor::DType::BF16));
            if short != Ok(true) {
                return Err(
                    self.unavailable("it has no bfloat16, which mixed precision computes in")
                );
            }
        }
        let trained = attempt(|| train::<N, Autodiff<B>>(job, usize::MAX, device, watch));
        trained.unwrap_or_else(|reason| {
            Err(Error::Engine {
                engine: "burn",
                reason,
            })
        })
    }

    fn unavailable(self, reason: &str) -> Error {
        Error::DeviceUnavailable {
            device: self.to_string(),
            reason: reason.to_owned(),
        }
    }
}

#[cfg(feature = "wgpu")]
use burn::backend::wgpu::WgpuDevice;

/// Runs what may panic in a thread of its own; the words of the panic.
#[cfg(any(test, feature = "wgpu", feature = "cuda"))]
fn attempt<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    let joined = std::thread::scope(|scope| scope.spawn(work).join());
    joined.map_err(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("it stopped without a word");
        if text.contains("RecvError") {
            // the thread that drives the device has ended
            return "no such device or no driver for it was found".to_owned();
        }
        text.to_owned()
    })
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
            Device::WgpuSoftware,
            Device::Cuda(2),
        ]
        .map(|device| device.to_string());
        let expected = [
            "cpu",
            "wgpu:0",
            "wgpu-integrated:1",
            "wgpu-software",
            "cuda:2",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn a_panic_becomes_words() {
        assert_eq!(attempt(|| 7), Ok(7));
        let number = 3;
        let failed: Result<(), String> = attempt(|| panic!("no adapter {number}"));
        assert_eq!(failed, Err("no adapter 3".to_owned()));
        let failed: Result<(), String> = attempt(|| panic!("called on an Err value: RecvError"));
        assert!(failed.unwrap_err().contains("no driver"));
    }
}
