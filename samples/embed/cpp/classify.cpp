// Classifies an image by a network that is part of the program, and trains another of two classes on it.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>

#include "fashion.h"
#include "trained.h"

namespace {

using Session = std::unique_ptr<rnrun_session, decltype(&rnrun_session_free)>;

bool succeeded(rnrun_status status) {
  if (status != RNRUN_OK) std::cerr << "classify: " << rnrun_error_text() << "\n";
  return status == RNRUN_OK;
}

Session session_of(rnrun_status (*create)(int, rnrun_session**)) {
  rnrun_session* session = nullptr;
  if (!succeeded(create(0, &session))) std::exit(1);
  return {session, &rnrun_session_free};
}

}  // namespace

int main(int argc, char** argv) {
  alignas(RNRUN_ALIGNMENT) static uint8_t image[1][1][28][28];
  std::ifstream file(argc == 2 ? argv[1] : "", std::ios::binary);
  if (!file.read(reinterpret_cast<char*>(image), sizeof(image))) {
    std::cerr << "usage: classify IMAGE, of " << sizeof(image) << " bytes\n";
    return 2;
  }

  const Session network = session_of(fashion_create);
  alignas(RNRUN_ALIGNMENT) static float scores[1][FASHION_FC_SIZE];
  if (!succeeded(fashion_infer(image, scores, 1, network.get()))) return 1;
  int best = 0;
  for (int k = 1; k < FASHION_CLASS_COUNT; ++k)
    if (scores[0][k] > scores[0][best]) best = k;
  std::printf("%d %s %.2f\n", best, fashion_class_name(best), scores[0][best]);

  const Session student = session_of(trained_create);
  const int32_t label[] = {1};
  double first = 0, last = 0;
  if (!succeeded(trained_train_step(image, label, 1, 0.01, &first, student.get()))) return 1;
  for (int step = 0; step < 5; ++step)
    if (!succeeded(trained_train_step(image, label, 1, 0.01, &last, student.get()))) return 1;
  std::printf("loss %.4f, after 5 steps %s\n", first, last < first ? "less" : "not less");
  return 0;
}
