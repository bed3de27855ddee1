// F(m, 3).
#include "ir/graph/diagnostics.h"
#include "passes/lower/conv/winograd/points.h"

namespace rnc::points::three {

using loops::Expr;

namespace {

constexpr double kA = 0.625, kB = 1.5;  // the points of F(4)
constexpr double kA2 = kA * kA, kB2 = kB * kB;

// Of F(3): 0, +-kC, kD and infinity. Both sets of points were searched for the smallest error.
constexpr double kC = 0.75, kD = 1.5;
constexpr double kC2 = kC * kC, kD2 = kD * kD;

}  // namespace

Vectors input(Body& body, int m, const Vectors& d) {
  Vectors out;
  if (m == 2) {
    out = {d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]};
  } else if (m == 3) {
    out.push_back(scaled(kC2, scaled(kD, d[0], times(-1, d[1])), scaled(-kD, d[2], d[3])));
    pair(body, out, scaled(-kD, d[2], d[3]), kC, scaled(-kD, d[1], d[2]));
    out.push_back(scaled(-kC2, d[1], d[3]));
    out.push_back(scaled(kC2, scaled(kD, d[1], times(-1, d[2])), scaled(-kD, d[3], d[4])));
  } else {
    check(m == 4, "Winograd tile");
    out.push_back(scaled(kA2 * kB2, d[0], scaled(-(kA2 + kB2), d[2], d[4])));
    pair(body, out, scaled(-kB2, d[2], d[4]), kA, scaled(-kB2, d[1], d[3]));
    pair(body, out, scaled(-kA2, d[2], d[4]), kB, scaled(-kA2, d[1], d[3]));
    out.push_back(scaled(kA2 * kB2, d[1], scaled(-(kA2 + kB2), d[3], d[5])));
  }
  return out;
}

Vectors weight(Body& body, int m, const Vectors& g) {
  Vectors out = {g[0]};
  if (m == 2) {
    pair(body, out, g[0] + g[2], 1, g[1]);
  } else if (m == 3) {
    pair(body, out, scaled(kC2, g[2], g[0]), kC, g[1]);
    out.push_back(scaled(kD2, g[2], scaled(kD, g[1], g[0])));
  } else {
    check(m == 4, "Winograd tile");
    pair(body, out, scaled(kA2, g[2], g[0]), kA, g[1]);
    pair(body, out, scaled(kB2, g[2], g[0]), kB, g[1]);
  }
  out.push_back(g[2]);
  return out;
}

Vectors output(Body& body, int m, const Vectors& p) {
  const Expr s = body.let("s", p[1] + p[2]), d = body.let("d", p[1] - p[2]);
  Vectors out;
  if (m == 2) {
    out = {p[0] + s, d - p[3]};
  } else if (m == 3) {
    out = {p[0] + s + p[3], scaled(kD, p[3], times(kC, d)), scaled(kD2, p[3], scaled(kC2, s, p[4]))};
  } else {
    check(m == 4, "Winograd tile");
    const Expr s2 = body.let("s", p[3] + p[4]), d2 = body.let("d", p[3] - p[4]);
    out = {p[0] + s + s2, scaled(kB, d2, times(kA, d)), scaled(kB2, s2, times(kA2, s)),
           scaled(kB * kB2, d2, scaled(kA * kA2, d, p[5]))};
  }
  return out;
}

Vectors gradient(Body& body, int m, const Vectors& e) {
  Vectors out = {e[0]};
  if (m == 2) {
    pair(body, out, e[0], 1, e[1]);
    out.push_back(times(-1, e[1]));
    return out;
  }
  if (m == 3) {
    pair(body, out, scaled(kC2, e[2], e[0]), kC, e[1]);
    out.push_back(scaled(kD2, e[2], scaled(kD, e[1], e[0])));
  } else {
    check(m == 4, "Winograd tile");
    pair(body, out, scaled(kA2, e[2], e[0]), kA, scaled(kA2, e[3], e[1]));
    pair(body, out, scaled(kB2, e[2], e[0]), kB, scaled(kB2, e[3], e[1]));
  }
  out.push_back(e.back());
  return out;
}

Vectors weight_gradient(Body& body, int m, const Vectors& u) {
  const Expr s = body.let("s", u[1] + u[2]), d = body.let("d", u[1] - u[2]);
  Vectors out;
  if (m == 2) {
    out = {u[0] + s, d, s + u[3]};
  } else if (m == 3) {
    out = {u[0] + s + u[3], scaled(kD, u[3], times(kC, d)), scaled(kC2, s, scaled(kD2, u[3], u[4]))};
  } else {
    check(m == 4, "Winograd tile");
    const Expr s2 = body.let("s", u[3] + u[4]), d2 = body.let("d", u[3] - u[4]);
    out = {u[0] + s + s2, scaled(kB, d2, times(kA, d)), scaled(kA2, s, scaled(kB2, s2, u[5]))};
  }
  return out;
}

double scale(int m, int i) {
  if (m == 2) return i == 1 || i == 2 ? 0.5 : 1;
  if (m == 3) {
    constexpr double over[] = {1 / (kC2 * kD), 1 / (2 * kC2 * (kC - kD)), -1 / (2 * kC2 * (kC + kD)),
                               1 / (kD * (kD2 - kC2)), 1};
    return over[i];
  }
  check(m == 4, "Winograd tile");
  constexpr double over_a = 1 / (2 * kA2 * (kA2 - kB2)), over_b = 1 / (2 * kB2 * (kB2 - kA2));
  constexpr double over[] = {1 / (kA2 * kB2), over_a, over_a, over_b, over_b, 1};
  return over[i];
}

}  // namespace rnc::points::three
