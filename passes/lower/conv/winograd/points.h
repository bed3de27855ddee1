// The arithmetic that the transforms of minimal filtering are written in, and the transforms for filters of two and of
// three taps: transforms.h says what F(m, r) is.
#pragma once

#include "passes/lower/conv/winograd/transforms.h"

namespace rnc::points {

loops::Expr times(double value, const loops::Expr& x);
loops::Expr scaled(double value, const loops::Expr& x, const loops::Expr& y);  // value * x + y
// even + x odd and even - x odd: the values at a pair of opposite points x and -x.
void pair(Body& body, Vectors& out, const loops::Expr& even, double x, const loops::Expr& odd);

// F(m, r) for r = 3 and 2.
namespace three {
Vectors input(Body& body, int m, const Vectors& d);            // m + 2 -> m + 2
Vectors weight(Body& body, int m, const Vectors& g);           // 3 -> m + 2
Vectors output(Body& body, int m, const Vectors& p);           // m + 2 -> m
Vectors gradient(Body& body, int m, const Vectors& e);         // m -> m + 2
Vectors weight_gradient(Body& body, int m, const Vectors& u);  // m + 2 -> 3
double scale(int m, int i);
}  // namespace three

namespace two {
Vectors input(Body& body, int m, const Vectors& d);            // m + 1 -> m + 1
Vectors weight(Body& body, int m, const Vectors& g);           // 2 -> m + 1
Vectors output(Body& body, int m, const Vectors& p);           // m + 1 -> m
Vectors gradient(Body& body, int m, const Vectors& e);         // m -> m + 1
Vectors weight_gradient(Body& body, int m, const Vectors& u);  // m + 1 -> 2
double scale(int m, int i);
}  // namespace two

}  // namespace rnc::points
