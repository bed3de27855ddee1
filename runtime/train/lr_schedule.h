// Learning rates that change during a training.
#pragma once

#include <cstdint>

#include "runtime/train/train_settings.h"

namespace rnrun {

// The rate for step `step` (from 0) of a training with so many steps per epoch. Each schedule is PyTorch's
// (torch.optim.lr_scheduler) in closed form. t of `epochs` epochs have passed, the first lr_warmup_epochs of which are
// the warm-up; the schedule sees u = t - lr_warmup_epochs, as in SequentialLR:
//   constant     lr
//   step         lr gamma^floor(u / step_size)                                    StepLR
//   multistep    lr gamma^(number of milestones <= u)                             MultiStepLR
//   exponential  lr gamma^u                                                       ExponentialLR
//   cosine       lr_min + (lr - lr_min) (1 + cos(pi u / (epochs - warm-up))) / 2  CosineAnnealingLR
//   onecycle     up from lr / div_factor to lr along half a cosine in pct_start of the steps, then down to
//                lr / (div_factor final_div_factor); changes every step; momentum stays as it is
//                (Smith and Topin 2018)                                           OneCycleLR
// Warm-up is lr times (decay + (1 - decay) t / lr_warmup_epochs), or times decay where its method is constant
// (LinearLR, ConstantLR). t is a whole number where lr_interval is "epoch", as in torchvision's train.py;
// where it is "step", it grows with every step.
double learning_rate(const TrainSettings& settings, int64_t step, int64_t steps_per_epoch);

}  // namespace rnrun
