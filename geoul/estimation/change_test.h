// Tells a lasting change of a signal from its noise, one sample at a time. The signal is the measured torque (or any
// residual) y; a predictor with autoregressive coefficients c leaves the innovation
//   e_t = y_t - sum_k c_k y_{t-k} - (what it knows from elsewhere)
// white with deviation sigma_t. A step of size b at instant o adds b s_t to e_t, with s known from c:
//   u_t = 1 from o on,   s_t = u_t - sum_k c_k u_{t-k};   in a sample that was missed u_t is its prediction, s_t = 0.
// Over the window of W samples after each onset the step's size is estimated by least squares, and judged by
//   z = |b| / deviation(b) / sqrt(max(1, g, r, r'))
// where g is the mean square of the normalised innovations before the onset, r and r' what the fit leaves of them in
// the first samples and in the whole window: a burst of vibration raises r and is no step (a t-test in place of a
// z-test). Sources: Basseville, Nikiforov, Detection of Abrupt Changes (1993), ch. 7 (generalised likelihood ratio for
// additive changes); Willsky, Jones, IEEE TAC 21(1), 1976. See docs/notes/estimation.md.
#pragma once

#include <array>
#include <span>
#include <vector>

namespace geoul::estimation {

inline constexpr int kMostLags = 16;

struct ChangeTestOptions {
  int window = 50;     // W [samples]
  int early = 12;      // first samples of it that must fit too
  double memory = 60;  // of g [samples]
  double clip = 9;     // largest square that enters g
};

struct ChangeScore {
  bool judged = false;   // a window is full
  double z = 0;          // of the step that began `window` samples ago
  double size = 0;       // b, in the signal's unit
  double deviation = 0;  // of the size, by the noise as it is now
};

class ChangeTest {
 public:
  // autoregression: c_1 ... (at most kMostLags)
  ChangeTest(const ChangeTestOptions& options, std::span<const double> autoregression);

  // The next sample: its innovation and deviation sigma; observed is false where it was missed (innovation ignored).
  // Judges the step that began window - 1 samples ago. Allocates nothing. O(window lags).
  ChangeScore step(double innovation, double sigma, bool observed);
  void reset();

 private:
  struct Onset {
    std::array<double, kMostLags> u{};  // newest first
    double num = 0, den = 0, square = 0, count = 0;
    double early_num = 0, early_den = 0, early_square = 0, early_count = 0;
    double before = 1;  // g at the onset
  };
  ChangeScore judge(const Onset& onset) const;

  ChangeTestOptions options_;
  std::array<double, kMostLags> c_{};
  int lags_ = 0;
  std::vector<Onset> onsets_;  // (window) ring
  std::size_t next_ = 0;
  int filled_ = 0;
  double g_ = 1;
};

// Threshold that a statistic with these scores of undisturbed operation passes once in `run_length` samples on average:
// a Gumbel distribution through the largest scores of blocks of `block` samples, by probability-weighted moments.
// Needs 20 blocks. Source: Hosking, Wallis, Wood, Technometrics 27(3), 1985; Coles, Statistics of Extreme Values,
// ch. 3.
double calibrate_threshold(std::span<const double> scores, int block, double run_length);

}  // namespace geoul::estimation
