#include "runtime/train/model_ema.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "runtime/train/for_blocks.h"

namespace rnrun {

namespace {

Memory copy_of(const Memory& memory) {
  Memory copy(memory.size(), "moving averages");
  if (memory.size() > 0) std::memcpy(copy.data(), memory.data(), static_cast<size_t>(memory.size()));
  return copy;
}

void move_towards(ThreadPool& pool, const Memory& average, const Memory& value, float share) {
  const std::span<float> a = floats_in(average), v = floats_in(value);
  const float decay = 1 - share;
  for_blocks(pool, a.size(), [=](size_t begin, size_t count) {
    for (size_t i = begin; i < begin + count; ++i) a[i] = share == 1 ? v[i] : decay * a[i] + share * v[i];
  });
}

}  // namespace

double ema_share(const TrainSettings& s) {
  const double adjust =
      static_cast<double>(s.batch_size * s.accumulate * s.model_ema_steps) / static_cast<double>(s.epochs);
  return std::min((1 - s.model_ema_decay) * adjust, 1.0);
}

ModelEma::ModelEma(Session& session, const TrainSettings& settings, int64_t updates)
    : session_(&session),
      share_(static_cast<float>(ema_share(settings))),
      steps_(settings.model_ema_steps),
      warmup_epochs_(settings.lr_warmup_epochs),
      updates_(updates),
      parameters_(copy_of(session.region(RN_PARAMETER))),
      buffers_(copy_of(session.region(RN_BUFFER))) {}

void ModelEma::set(const Arrays& averages, std::string_view source) {
  exchange();
  session_->set_tensors({RN_PARAMETER, RN_BUFFER}, averages, source);
  exchange();
}

Arrays ModelEma::averages() {
  exchange();
  Arrays result = session_->tensors({RN_PARAMETER, RN_BUFFER});
  exchange();
  return result;
}

void ModelEma::after_step(int64_t epoch, int64_t step_of_epoch) {
  if (step_of_epoch % steps_ != 0) return;
  const float share = updates_ == 0 ? 1 : share_;
  move_towards(session_->pool(), parameters_, session_->region(RN_PARAMETER), share);
  move_towards(session_->pool(), buffers_, session_->region(RN_BUFFER), share);
  updates_ = epoch < warmup_epochs_ ? 0 : updates_ + 1;
}

void ModelEma::exchange() {
  std::swap(parameters_, session_->region(RN_PARAMETER));
  std::swap(buffers_, session_->region(RN_BUFFER));
}

}  // namespace rnrun
