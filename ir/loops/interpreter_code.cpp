#include "ir/loops/interpreter_code.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <type_traits>

#include "ir/loops/interpreter.h"
#include "ir/ops/random.h"
#include "runtime/contract/bfloat16.h"

namespace rnc::loops {
namespace {

// A number that is stored as bf16.
struct Bf16 {
  uint16_t bits = 0;
  Bf16() = default;
  explicit Bf16(int) {}  // zero
  explicit Bf16(float value) : bits(contract::to_bf16(value)) {}
  explicit operator float() const { return contract::from_bf16(bits); }
};

// The C++ type that holds a scalar.
template <class Visitor>
auto with_type(Scalar scalar, Visitor visit) {
  switch (scalar) {
    case Scalar::u8:
    case Scalar::boolean:
      return visit(uint8_t{});
    case Scalar::i32:
      return visit(int32_t{});
    case Scalar::i64:
      return visit(int64_t{});
    case Scalar::f32:
      return visit(float{});
    case Scalar::f64:
      return visit(double{});
    case Scalar::bf16:
      return visit(Bf16{});
    default:
      unreachable("no type of kernels");
  }
}

// Integers wrap, as in the generated code.
template <class T, class F>
T wrapping(T a, T b, F op) {
  if constexpr (std::is_floating_point_v<T>) {
    return op(a, b);
  } else {
    return static_cast<T>(op(static_cast<uint64_t>(a), static_cast<uint64_t>(b)));
  }
}

template <class T>
void check_division(T a, T b) {
  if (a < 0 || b <= 0) throw Fault(fmt::format("integer division of {} by {}", a, b));
}

template <Binary op, class T>
auto apply(T a, T b) {
  if constexpr (op == Binary::add) return wrapping(a, b, [](auto x, auto y) { return x + y; });
  if constexpr (op == Binary::sub) return wrapping(a, b, [](auto x, auto y) { return x - y; });
  if constexpr (op == Binary::mul) return wrapping(a, b, [](auto x, auto y) { return x * y; });
  if constexpr (op == Binary::div) {
    if constexpr (std::is_integral_v<T>) check_division(a, b);
    return static_cast<T>(a / b);
  }
  if constexpr (op == Binary::mod) {
    if constexpr (std::is_floating_point_v<T>) {
      return T{};
    } else {
      check_division(a, b);
      return static_cast<T>(a % b);
    }
  }
  if constexpr (op == Binary::min) return b < a ? b : a;
  if constexpr (op == Binary::max) return a < b ? b : a;
  if constexpr (op == Binary::lt) return static_cast<uint8_t>(a < b);
  if constexpr (op == Binary::le) return static_cast<uint8_t>(a <= b);
  if constexpr (op == Binary::eq) return static_cast<uint8_t>(a == b);
  if constexpr (op == Binary::ne) return static_cast<uint8_t>(a != b);
  if constexpr (op == Binary::logic_and) return static_cast<uint8_t>(a != 0 && b != 0);
  if constexpr (op == Binary::logic_or) return static_cast<uint8_t>(a != 0 || b != 0);
}

template <Binary op, class T>
void binary_lanes(Machine& m, const Instruction& i) {
  using Result = decltype(apply<op>(T{}, T{}));
  const T *a = m.at<T>(i.a), *b = m.at<T>(i.b);
  auto* result = m.at<Result>(i.result);
  for (int lane = 0; lane < i.lanes; ++lane) result[lane] = apply<op>(a[lane], b[lane]);
}

template <class T>
auto binary_function(Binary op, T) -> decltype(Instruction::run) {
  switch (op) {
    case Binary::add:
      return binary_lanes<Binary::add, T>;
    case Binary::sub:
      return binary_lanes<Binary::sub, T>;
    case Binary::mul:
      return binary_lanes<Binary::mul, T>;
    case Binary::div:
      return binary_lanes<Binary::div, T>;
    case Binary::mod:
      return binary_lanes<Binary::mod, T>;
    case Binary::min:
      return binary_lanes<Binary::min, T>;
    case Binary::max:
      return binary_lanes<Binary::max, T>;
    case Binary::lt:
      return binary_lanes<Binary::lt, T>;
    case Binary::le:
      return binary_lanes<Binary::le, T>;
    case Binary::eq:
      return binary_lanes<Binary::eq, T>;
    case Binary::ne:
      return binary_lanes<Binary::ne, T>;
    case Binary::logic_and:
      return binary_lanes<Binary::logic_and, T>;
    case Binary::logic_or:
      return binary_lanes<Binary::logic_or, T>;
  }
  unreachable("binary operation");
}

template <Unary op, class T>
void unary_lanes(Machine& m, const Instruction& i) {
  const T* a = m.at<T>(i.a);
  T* result = m.at<T>(i.result);
  for (int lane = 0; lane < i.lanes; ++lane) {
    if constexpr (op == Unary::neg) {
      result[lane] = std::is_floating_point_v<T> ? -a[lane] : wrapping(T{0}, a[lane], std::minus<>{});
    } else if constexpr (std::is_floating_point_v<T>) {
      if constexpr (op == Unary::sqrt) result[lane] = std::sqrt(a[lane]);
      if constexpr (op == Unary::exp) result[lane] = std::exp(a[lane]);
      if constexpr (op == Unary::log) result[lane] = std::log(a[lane]);
      if constexpr (op == Unary::floor) result[lane] = std::floor(a[lane]);
      if constexpr (op == Unary::tanh) result[lane] = std::tanh(a[lane]);
      if constexpr (op == Unary::erf) result[lane] = std::erf(a[lane]);
    }
  }
}

template <class T>
auto unary_function(Unary op, T) -> decltype(Instruction::run) {
  switch (op) {
    case Unary::neg:
      return unary_lanes<Unary::neg, T>;
    case Unary::sqrt:
      return unary_lanes<Unary::sqrt, T>;
    case Unary::exp:
      return unary_lanes<Unary::exp, T>;
    case Unary::log:
      return unary_lanes<Unary::log, T>;
    case Unary::floor:
      return unary_lanes<Unary::floor, T>;
    case Unary::tanh:
      return unary_lanes<Unary::tanh, T>;
    case Unary::erf:
      return unary_lanes<Unary::erf, T>;
  }
  unreachable("unary operation");
}

template <class T>
void fma_lanes(Machine& m, const Instruction& i) {
  const T *a = m.at<T>(i.a), *b = m.at<T>(i.b), *c = m.at<T>(i.c);
  T* result = m.at<T>(i.result);
  for (int lane = 0; lane < i.lanes; ++lane)
    result[lane] = static_cast<T>(std::fma(a[lane], b[lane], c[lane]));
}

// `group` elements of b, for all lanes in turn.
void dot_pairs_lanes(Machine& m, const Instruction& i) {
  const Bf16 *a = m.at<Bf16>(i.a), *b = m.at<Bf16>(i.b);
  const auto* c = m.at<float>(i.c);
  auto* result = m.at<float>(i.result);
  const auto product = [&](int element, float sum) {
    return std::fma(static_cast<float>(a[element]), static_cast<float>(b[element % i.group]), sum);
  };
  for (int lane = 0; lane < i.lanes; ++lane) result[lane] = product(2 * lane, product(2 * lane + 1, c[lane]));
}

template <class T>
void select_lanes(Machine& m, const Instruction& i) {
  const auto* condition = m.at<uint8_t>(i.a);
  const T *yes = m.at<T>(i.b), *no = m.at<T>(i.c);
  T* result = m.at<T>(i.result);
  for (int lane = 0; lane < i.lanes; ++lane) result[lane] = condition[lane] != 0 ? yes[lane] : no[lane];
}

template <class To, class From>
To converted(From value) {
  if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    // Both ends are exact: the type's least value, and one past its greatest, a power of two.
    const double low = static_cast<double>(std::numeric_limits<To>::min());
    const double past = 2.0 * static_cast<double>(std::numeric_limits<To>::max() / 2 + 1);
    const double whole = std::trunc(static_cast<double>(value));
    if (!(whole >= low && whole < past))
      throw Fault(fmt::format("{} does not fit the integer it is cast to", value));
  }
  return static_cast<To>(value);
}

// From and to bf16 go f32 alone.
template <class To, class From>
inline constexpr bool kCast =
    std::is_same_v<To, Bf16> ? std::is_same_v<From, float>
                             : !std::is_same_v<From, Bf16> || std::is_same_v<To, float>;

template <class To, class From>
void cast_lanes(Machine& m, const Instruction& i) {
  const From* a = m.at<From>(i.a);
  To* result = m.at<To>(i.result);
  for (int lane = 0; lane < i.lanes; ++lane) result[lane] = converted<To>(a[lane]);
}

template <class T>
void broadcast_lanes(Machine& m, const Instruction& i) {
  const T value = *m.at<T>(i.a);
  T* result = m.at<T>(i.result);
  for (int lane = 0; lane < i.lanes; ++lane) result[lane] = value;
}

template <class T>
void spread_lanes(Machine& m, const Instruction& i) {
  const T* a = m.at<T>(i.a);
  T* result = m.at<T>(i.result);
  for (int lane = 0; lane < i.lanes; ++lane) result[lane] = a[lane / i.group * i.group + i.index];
}

template <class T>
void interleave_lanes(Machine& m, const Instruction& i) {
  const T* a = m.at<T>(i.a);
  const T* b = m.at<T>(i.b);
  T* result = m.at<T>(i.result);
  const int first = i.index * i.lanes / 2;
  for (int lane = 0; lane < i.lanes; ++lane) result[lane] = (lane % 2 == 0 ? a : b)[first + lane / 2];
}

template <class T>
void zip_lanes(Machine& m, const Instruction& i) {
  const T* a = m.at<T>(i.a);
  const T* b = m.at<T>(i.b);
  T* result = m.at<T>(i.result);
  for (int lane = 0; lane < i.lanes; ++lane) result[lane] = (lane % 2 == 0 ? a : b)[lane / 2];
}

template <class T>
void mask_lanes(Machine& m, const Instruction& i) {
  const T* a = m.at<T>(i.a);
  const int64_t count = *m.at<int64_t>(i.b);
  T* result = m.at<T>(i.result);
  for (int lane = 0; lane < i.lanes; ++lane) result[lane] = lane < count ? a[lane] : T{0};
}

void ramp_lanes(Machine& m, const Instruction& i) {
  const int32_t first = *m.at<int32_t>(i.a);
  auto* result = m.at<int32_t>(i.result);
  for (int lane = 0; lane < i.lanes; ++lane)
    result[lane] = static_cast<int32_t>(static_cast<int64_t>(first) + int64_t{lane} * i.index);
}

void random_lanes(Machine& m, const Instruction& i) {
  const auto *key = m.at<uint32_t>(i.a), *stream = m.at<uint32_t>(i.b), *counter = m.at<uint32_t>(i.c);
  auto* result = m.at<uint32_t>(i.result);
  for (int lane = 0; lane < i.lanes; ++lane) result[lane] = philox(key[lane], stream[lane], counter[lane]);
}

// Here `lanes` is the operand's.
template <Reduce op, class T>
void reduce_lanes(Machine& m, const Instruction& i) {
  std::vector<T> part(m.at<T>(i.a), m.at<T>(i.a) + i.lanes);
  for (int half = i.lanes / 2; half > 0; half /= 2) {
    for (int lane = 0; lane < half; ++lane) {
      const auto low = static_cast<size_t>(lane), high = static_cast<size_t>(lane + half);
      part[low] = apply < op == Reduce::add ? Binary::add : Binary::max > (part[low], part[high]);
    }
  }
  *m.at<T>(i.result) = part[0];
}

// The elements an access touches: `count` of them from `first`, `stride` apart.
struct Elements {
  int64_t first = 0, stride = 0;
  int count = 0;
};

[[noreturn]] void outside(Machine& m, const Place& place, int count) {
  const View& view = m.views[place.view];
  std::string at, size;
  for (size_t d = 0; d < place.index.size(); ++d) {
    at += fmt::format("{}{}", d > 0 ? ", " : "", *m.at<int64_t>(place.index[d]));
    if (static_cast<int>(d) == place.lane_dim) at += fmt::format(":+{}", count);
    size += fmt::format("{}{}", d > 0 ? ", " : "", view.dims[d]);
  }
  throw Fault(
      fmt::format("{}[{}] is outside {}[{}]", view.memory->name, at, name(view.memory->scalar), size));
}

Elements elements(Machine& m, const Instruction& i) {
  const Place& place = i.place;
  const View& view = m.views[place.view];
  Elements found{.count = i.lanes};
  if (place.has_valid) {
    found.count = static_cast<int>(std::clamp<int64_t>(*m.at<int64_t>(place.valid), 0, i.lanes));
    if (found.count == 0) return found;
  }
  for (size_t d = 0; d < place.index.size(); ++d) {
    const int64_t index = *m.at<int64_t>(place.index[d]);
    const int64_t touched = static_cast<int>(d) == place.lane_dim ? found.count : 1;
    if (index < 0 || index > view.dims[d] - touched) outside(m, place, found.count);
    found.first += index * view.strides[d];
  }
  if (place.lane_dim >= 0) found.stride = view.strides[static_cast<size_t>(place.lane_dim)];
  return found;
}

template <class T>
void load_lanes(Machine& m, const Instruction& i) {
  const Elements from = elements(m, i);
  const View& view = m.views[i.place.view];
  const T* data = reinterpret_cast<const T*>(view.data) + from.first;
  T* result = m.at<T>(i.result);
  for (int lane = 0; lane < from.count; ++lane) result[lane] = data[lane * from.stride];
  for (int lane = from.count; lane < i.lanes; ++lane) result[lane] = T{0};
  if (view.tracker == nullptr) return;
  for (int lane = 0; lane < from.count; ++lane) view.tracker->read(from.first + lane * from.stride, m.task);
}

template <class T>
void store_lanes(Machine& m, const Instruction& i) {
  const Elements to = elements(m, i);
  const View& view = m.views[i.place.view];
  T* data = reinterpret_cast<T*>(view.data) + to.first;
  const T* value = m.at<T>(i.a);
  for (int lane = 0; lane < to.count; ++lane) data[lane * to.stride] = value[lane];
  if (view.tracker == nullptr) return;
  for (int lane = 0; lane < to.count; ++lane) view.tracker->store(to.first + lane * to.stride, m.task);
}

// The function that computes an expression, given the type of its first operand.
auto function_for(const ExprNode& e, ValueType operand) -> decltype(Instruction::run) {
  return with_type(operand.scalar, [&](auto zero) -> decltype(Instruction::run) {
    using T = decltype(zero);
    constexpr bool stored_only = std::is_same_v<T, Bf16>;
    constexpr bool arithmetic = !std::is_same_v<T, uint8_t> && !stored_only;
    switch (e.kind) {
      case ExprKind::unary:
        if constexpr (arithmetic) return unary_function(e.unary, zero);
        break;
      case ExprKind::binary:
        if constexpr (!stored_only) return binary_function(e.binary, zero);
        break;
      case ExprKind::fma:
        if constexpr (std::is_floating_point_v<T>) return fma_lanes<T>;
        break;
      case ExprKind::dot_pairs:
        return dot_pairs_lanes;
      case ExprKind::select:  // the first operand is the condition
        return with_type(e.type.scalar, [](auto value) -> decltype(Instruction::run) {
          return select_lanes<decltype(value)>;
        });
      case ExprKind::cast:
        return with_type(e.type.scalar, [](auto to) -> decltype(Instruction::run) {
          if constexpr (kCast<decltype(to), T>) return cast_lanes<decltype(to), T>;
          unreachable("a cast of what is only stored");
        });
      case ExprKind::broadcast:
        return broadcast_lanes<T>;
      case ExprKind::spread:
        return spread_lanes<T>;
      case ExprKind::interleave:
        return interleave_lanes<T>;
      case ExprKind::zip:
        return zip_lanes<T>;
      case ExprKind::mask:
        return mask_lanes<T>;
      case ExprKind::ramp:
        return ramp_lanes;
      case ExprKind::random:
        return random_lanes;
      case ExprKind::reduce:
        if constexpr (arithmetic) {
          return e.reduce == Reduce::add ? reduce_lanes<Reduce::add, T> : reduce_lanes<Reduce::max, T>;
        }
        break;
      default:
        break;
    }
    unreachable("an expression without an instruction");
  });
}

}  // namespace

Instruction instruction_for(const ExprNode& e, Slot result, const std::vector<Slot>& operands) {
  const ValueType operand = e.operands[0]->type;
  Instruction i{.run = function_for(e, operand)};
  i.lanes = e.kind == ExprKind::reduce ? operand.lanes : e.type.lanes;
  i.result = result;
  i.a = operands[0];
  if (e.kind == ExprKind::spread) i.group = e.group;
  if (e.kind == ExprKind::dot_pairs) i.group = e.operands[1]->type.lanes;
  if (e.kind == ExprKind::spread || e.kind == ExprKind::interleave || e.kind == ExprKind::ramp)
    i.index = static_cast<int>(e.integer);
  if (operands.size() > 1) i.b = operands[1];
  if (operands.size() > 2) i.c = operands[2];
  return i;
}

Instruction load_instruction(ValueType type, Slot result, Place place) {
  const auto function = [](auto value) -> decltype(Instruction::run) { return load_lanes<decltype(value)>; };
  return {.run = with_type(type.scalar, function),
          .lanes = type.lanes,
          .result = result,
          .place = std::move(place)};
}

Instruction store_instruction(ValueType type, Slot value, Place place) {
  const auto function = [](auto value) -> decltype(Instruction::run) { return store_lanes<decltype(value)>; };
  return {
      .run = with_type(type.scalar, function), .lanes = type.lanes, .a = value, .place = std::move(place)};
}

void write_constant(const ExprNode& e, std::byte* place) {
  with_type(e.type.scalar, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_same_v<T, Bf16>) {
      unreachable("a constant of what is only stored");
    } else {
      const T value = std::is_floating_point_v<T> ? static_cast<T>(e.real) : static_cast<T>(e.integer);
      std::fill_n(reinterpret_cast<T*>(place), e.type.lanes, value);
    }
  });
}

}  // namespace rnc::loops
