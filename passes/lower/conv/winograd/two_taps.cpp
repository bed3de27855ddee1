// F(m, 2).
#include "ir/graph/diagnostics.h"
#include "passes/lower/conv/winograd/points.h"

namespace rnc::points::two {

using loops::Expr;

namespace {

constexpr double kA = 0.5, kB = 1.25;  // the points of F(4), searched for the smallest error
constexpr double kA2 = kA * kA, kB2 = kB * kB;

}  // namespace

Vectors input(Body& body, int m, const Vectors& d) {
  if (m == 2) return {d[0] - d[1], d[1], d[2] - d[1]};
  if (m == 3) return {d[0] - d[2], d[1] + d[2], d[2] - d[1], d[3] - d[1]};
  check(m == 4, "Winograd tile");
  Vectors out;
  pair(body, out, scaled(-kB2, d[1], d[3]), kA, scaled(-kB2, d[0], d[2]));
  pair(body, out, scaled(-kA2, d[1], d[3]), kB, scaled(-kA2, d[0], d[2]));
  out.push_back(scaled(kA2 * kB2, d[0], scaled(-(kA2 + kB2), d[2], d[4])));
  return out;
}

Vectors weight(Body& body, int m, const Vectors& g) {
  if (m == 2) return {g[0], g[0] + g[1], g[1]};
  if (m == 3) return {g[0], g[0] + g[1], g[0] - g[1], g[1]};
  check(m == 4, "Winograd tile");
  Vectors out;
  pair(body, out, g[0], kA, g[1]);
  pair(body, out, g[0], kB, g[1]);
  out.push_back(g[1]);
  return out;
}

Vectors output(Body& body, int m, const Vectors& p) {
  if (m == 2) return {p[0] + p[1], p[1] + p[2]};
  if (m == 3) {
    const Expr s = body.let("s", p[1] + p[2]);
    return {p[0] + s, p[1] - p[2], s + p[3]};
  }
  check(m == 4, "Winograd tile");
  const Expr s = body.let("s", p[0] + p[1]), d = body.let("d", p[0] - p[1]);
  const Expr s2 = body.let("s", p[2] + p[3]), d2 = body.let("d", p[2] - p[3]);
  return {s + s2, scaled(kB, d2, times(kA, d)), scaled(kB2, s2, times(kA2, s)),
          scaled(kB * kB2, d2, scaled(kA * kA2, d, p[4]))};
}

Vectors gradient(Body& body, int m, const Vectors& e) {
  if (m == 2) return {e[0], e[0] + e[1], e[1]};
  Vectors out;
  if (m == 3) {
    out.push_back(e[0]);
    pair(body, out, e[0] + e[2], 1, e[1]);
  } else {
    check(m == 4, "Winograd tile");
    pair(body, out, scaled(kA2, e[2], e[0]), kA, scaled(kA2, e[3], e[1]));
    pair(body, out, scaled(kB2, e[2], e[0]), kB, scaled(kB2, e[3], e[1]));
  }
  out.push_back(e.back());
  return out;
}

Vectors weight_gradient(Body& body, int m, const Vectors& u) {
  if (m == 2) return {u[0] + u[1], u[1] + u[2]};
  if (m == 3) return {u[0] + u[1] + u[2], u[1] - u[2] + u[3]};
  check(m == 4, "Winograd tile");
  const Expr s = body.let("s", u[0] + u[1]), s2 = body.let("s", u[2] + u[3]);
  return {s + s2, scaled(kA, u[0] - u[1], scaled(kB, u[2] - u[3], u[4]))};
}

double scale(int m, int i) {
  if (m == 2) return 1;
  if (m == 3) return i == 1 || i == 2 ? 0.5 : 1;
  check(m == 4, "Winograd tile");
  constexpr double over_a = 1 / (2 * kA * (kA2 - kB2)), over_b = 1 / (2 * kB * (kB2 - kA2));
  constexpr double over[] = {over_a, -over_a, over_b, -over_b, 1};
  return over[i];
}

}  // namespace rnc::points::two
