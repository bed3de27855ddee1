#include "compiler/emit/math.h"

#include <llvm/IR/IntrinsicsX86.h>

#include <cmath>
#include <limits>

namespace rnc {
namespace {

// Writes formulas on values of one floating-point type, f32 or f64, scalar or vector.
class MathBuilder {
 public:
  MathBuilder(llvm::IRBuilder<>& builder, MathSupport support, llvm::Type* type)
      : b(builder), support_(support), type_(type) {
    if (auto* vector = llvm::dyn_cast<llvm::VectorType>(type)) {
      integer_ = llvm::VectorType::get(b.getIntNTy(bits()), vector->getElementCount());
    } else {
      integer_ = b.getIntNTy(bits());
    }
  }
  bool single() const { return type_->getScalarType()->isFloatTy(); }
  unsigned bits() const { return single() ? 32 : 64; }
  int mantissa() const { return single() ? 23 : 52; }
  int bias() const { return single() ? 127 : 1023; }

  llvm::Value* real(double value) const { return llvm::ConstantFP::get(type_, value); }
  llvm::Value* integer(int64_t value) const {
    return llvm::ConstantInt::get(integer_, static_cast<uint64_t>(value), true);
  }
  llvm::Value* as_integer(llvm::Value* x) const { return b.CreateBitCast(x, integer_); }
  llvm::Value* as_real(llvm::Value* x) const { return b.CreateBitCast(x, type_); }
  llvm::Value* fma(llvm::Value* x, llvm::Value* y, llvm::Value* z) const {
    return emit_fma(b, support_, x, y, z);
  }
  // x 2^n, rounded once. `n_integer` is n; neither step of two overflows or is rounded where the result is not.
  llvm::Value* scaled(llvm::Value* x, llvm::Value* n, llvm::Value* n_integer) const {
    auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(type_);
    if (support_.scale && single() && vector != nullptr && vector->getNumElements() == 16)
      return b.CreateIntrinsic(llvm::Intrinsic::x86_avx512_mask_scalef_ps_512, {},
                               {x, n, x, b.getInt16(0xffff), b.getInt32(kRoundAsSet)});
    llvm::Value* half = b.CreateAShr(n_integer, integer(1));
    llvm::Value* first = b.CreateFMul(x, power_of_two(half));
    return b.CreateFMul(first, power_of_two(b.CreateSub(n_integer, half)));
  }
  // 2^n for n within the exponents of normal numbers.
  llvm::Value* power_of_two(llvm::Value* n) const {
    return as_real(b.CreateShl(b.CreateAdd(n, integer(bias())), integer(mantissa())));
  }
  // sum of coefficients[i] * x^i.
  llvm::Value* polynomial(llvm::Value* x, const std::vector<double>& coefficients) const {
    llvm::Value* sum = real(coefficients.back());
    for (size_t i = coefficients.size() - 1; i-- > 0;) sum = fma(sum, x, real(coefficients[i]));
    return sum;
  }
  // ln 2 as high + low, with enough zero bits at the end of high that n * high is exact.
  double ln2_high() const { return single() ? 0x1.62e4p-1 : 0x1.62e42feep-1; }
  double ln2_low() const { return single() ? 0x1.7f7d1cf79abcap-20 : 0x1.a39ef35793c76p-33; }

  llvm::IRBuilder<>& b;

 private:
  static constexpr int kRoundAsSet = 4;  // _MM_FROUND_CUR_DIRECTION
  MathSupport support_;
  llvm::Type* type_;
  llvm::Type* integer_ = nullptr;
};

}  // namespace

llvm::Value* emit_fma(llvm::IRBuilder<>& b, MathSupport support, llvm::Value* a, llvm::Value* c,
                      llvm::Value* d) {
  if (!support.fma) return b.CreateFAdd(b.CreateFMul(a, c), d);
  return b.CreateIntrinsic(llvm::Intrinsic::fma, {a->getType()}, {a, c, d});
}

llvm::Value* emit_floor(llvm::IRBuilder<>& b, MathSupport support, llvm::Value* x) {
  if (support.floor) return b.CreateUnaryIntrinsic(llvm::Intrinsic::floor, x);
  // Through integers where the value is small enough to have a fraction; elsewhere, and for NaN, x itself.
  const MathBuilder f(b, support, x->getType());
  llvm::Value* truncated = b.CreateSIToFP(b.CreateFPToSI(x, f.as_integer(x)->getType()), x->getType());
  llvm::Value* lower = b.CreateFSub(truncated, f.real(1));
  llvm::Value* floor = b.CreateSelect(b.CreateFCmpOGT(truncated, x), lower, truncated);
  llvm::Value* magnitude = b.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, x);
  return b.CreateSelect(b.CreateFCmpOLT(magnitude, f.real(std::ldexp(1.0, f.mantissa()))), floor, x);
}

// exp(x) = 2^n exp(r), r = x - n ln 2, |r| <= ln 2 / 2: of f32 1 + r + r^2 P(r), a minimax fit of relative error, of f64 a
// Taylor polynomial; what is left out is below the rounding error.
llvm::Value* emit_exp(llvm::IRBuilder<>& b, MathSupport support, llvm::Value* x) {
  const MathBuilder f(b, support, x->getType());
  // Beyond these the result is 0 or infinity anyway; a NaN passes both comparisons.
  const double least = f.single() ? -105 : -746, greatest = f.single() ? 89 : 710;
  x = b.CreateSelect(b.CreateFCmpOLT(x, f.real(least)), f.real(least), x);
  x = b.CreateSelect(b.CreateFCmpOGT(x, f.real(greatest)), f.real(greatest), x);
  // Adding 1.5 * 2^mantissa rounds to the nearest integer and leaves it in the low bits.
  llvm::Value* shift = f.real(std::ldexp(1.5, f.mantissa()));
  llvm::Value* shifted = f.fma(x, f.real(1 / std::log(2.0)), shift);
  llvm::Value* n = b.CreateFSub(shifted, shift);
  llvm::Value* n_integer = b.CreateSub(f.as_integer(shifted), f.as_integer(shift));
  llvm::Value* r = f.fma(n, f.real(-f.ln2_high()), x);
  r = f.fma(n, f.real(-f.ln2_low()), r);
  std::vector<double> coefficients{1};
  if (f.single()) {
    coefficients = {1,
                    1,
                    0.4999999343206712,
                    0.1666652039743831,
                    0.04166839078889195,
                    0.0083687452922841,
                    0.001381454057123628};
  } else {
    for (int i = 1; i <= 13; ++i) coefficients.push_back(coefficients.back() / i);
  }
  return f.scaled(f.polynomial(r, coefficients), n, n_integer);
}

// log(2^e m) = e ln 2 + log(1 + g), m = 1 + g in sqrt(1/2) .. sqrt(2); with s = g / (2 + g),
// log(1 + g) = g - (g^2/2 - s (g^2/2 + R)), R = 2 s^2/3 + 2 s^4/5 + ...: the odd series of 2 atanh(s),
// arranged so that the large term g is exact (W. J. Cody, W. Waite).
llvm::Value* emit_log(llvm::IRBuilder<>& b, MathSupport support, llvm::Value* x) {
  const MathBuilder f(b, support, x->getType());
  const double infinity = std::numeric_limits<double>::infinity();
  const double smallest_normal = std::ldexp(1.0, 1 - f.bias());
  llvm::Value* denormal = b.CreateFCmpOLT(x, f.real(smallest_normal));
  const int boost = f.mantissa() + 2;
  llvm::Value* normal = b.CreateSelect(denormal, b.CreateFMul(x, f.real(std::ldexp(1.0, boost))), x);
  llvm::Value* extra = b.CreateSelect(denormal, f.integer(boost), f.integer(0));
  // Subtracting the bits of sqrt(1/2) makes the exponent step there instead of at powers of two.
  llvm::Value* split = f.as_integer(f.real(f.single() ? static_cast<float>(std::sqrt(0.5)) : std::sqrt(0.5)));
  llvm::Value* above = b.CreateSub(f.as_integer(normal), split);
  llvm::Value* exponent = b.CreateAShr(above, f.integer(f.mantissa()));
  llvm::Value* fraction = b.CreateAnd(above, f.integer((int64_t{1} << f.mantissa()) - 1));
  llvm::Value* m = f.as_real(b.CreateAdd(fraction, split));
  llvm::Value* e = b.CreateSIToFP(b.CreateSub(exponent, extra), x->getType());

  llvm::Value* g = b.CreateFSub(m, f.real(1));
  llvm::Value* s = b.CreateFDiv(g, b.CreateFAdd(g, f.real(2)));
  llvm::Value* s2 = b.CreateFMul(s, s);
  std::vector<double> coefficients;
  for (int k = 1; k <= (f.single() ? 5 : 11); ++k) coefficients.push_back(2.0 / (2 * k + 1));
  llvm::Value* rest = b.CreateFMul(s2, f.polynomial(s2, coefficients));
  llvm::Value* half_square = b.CreateFMul(f.real(0.5), b.CreateFMul(g, g));
  llvm::Value* small = f.fma(s, b.CreateFAdd(half_square, rest), b.CreateFMul(e, f.real(f.ln2_low())));
  llvm::Value* inner = b.CreateFSub(b.CreateFSub(half_square, small), g);
  llvm::Value* result = b.CreateFSub(b.CreateFMul(e, f.real(f.ln2_high())), inner);

  result = b.CreateSelect(b.CreateFCmpOEQ(x, f.real(infinity)), x, result);
  result = b.CreateSelect(b.CreateFCmpOEQ(x, f.real(0)), f.real(-infinity), result);
  llvm::Value* invalid = b.CreateFCmpULT(x, f.real(0));  // negative or NaN
  return b.CreateSelect(invalid, f.real(std::numeric_limits<double>::quiet_NaN()), result);
}

// Near 0 x + x^3 P(x^2), beyond 1 - 2 / (exp(2 |x|) + 1) with the sign of x. P is a minimax fit of relative error.
llvm::Value* emit_tanh(llvm::IRBuilder<>& b, MathSupport support, llvm::Value* x) {
  constexpr double kNear = 0.9;
  const MathBuilder f(b, support, x->getType());
  llvm::Value* magnitude = b.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, x);
  llvm::Value* square = b.CreateFMul(x, x);
  llvm::Value* correction = f.polynomial(
      square, {-0.33333322405815125, 0.13332977890968323, -0.053929299116134644, 0.021663539111614227,
               -0.008264538832008839, 0.0025826634373515844, -0.0004554584447760135});
  llvm::Value* near = f.fma(b.CreateFMul(square, x), correction, x);
  llvm::Value* power = emit_exp(b, support, b.CreateFMul(magnitude, f.real(2)));
  llvm::Value* far = b.CreateFSub(f.real(1), b.CreateFDiv(f.real(2), b.CreateFAdd(power, f.real(1))));
  llvm::Value* result = b.CreateSelect(b.CreateFCmpOLT(magnitude, f.real(kNear)), near, far);
  return b.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, result, x);
}

// Up to 1 x + x P(x^2), beyond 1 - exp(-x^2) Q(1 / |x|) with the sign of x, from 4 on 1: minimax fits, of P the relative
// error, of the product with Q the absolute one.
llvm::Value* emit_erf(llvm::IRBuilder<>& b, MathSupport support, llvm::Value* x) {
  constexpr double kNear = 1, kOne = 4;
  const MathBuilder f(b, support, x->getType());
  llvm::Value* magnitude = b.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, x);
  llvm::Value* square = b.CreateFMul(x, x);
  llvm::Value* slope = f.polynomial(
      square, {0.1283791670955126, -0.37612637877464294, 0.11283782124519348, -0.0268654003739357,
               0.005220945458859205, -0.0008482828852720559, 0.0001125694761867635, -9.64151604421204e-06});
  llvm::Value* near = f.fma(x, slope, x);
  llvm::Value* bounded = b.CreateSelect(b.CreateFCmpOGT(magnitude, f.real(kOne)), f.real(kOne), magnitude);
  llvm::Value* inverse = b.CreateFDiv(f.real(1), bounded);
  llvm::Value* rest = f.polynomial(
      inverse, {-0.0016613670159131289, 0.5778754949569702, -0.0339437760412693, -0.30996784567832947,
                0.3086535334587097, -0.13875053822994232, 0.02537807822227478});
  llvm::Value* tail = emit_exp(b, support, b.CreateFNeg(b.CreateFMul(bounded, bounded)));
  llvm::Value* far = b.CreateFSub(f.real(1), b.CreateFMul(tail, rest));
  llvm::Value* result = b.CreateSelect(b.CreateFCmpOLT(magnitude, f.real(kNear)), near, far);
  return b.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, result, x);
}

}  // namespace rnc
