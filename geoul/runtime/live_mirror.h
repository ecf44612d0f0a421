// LiveMirror: the twin of a running plant. Follows its links: every row that they deliver becomes a State, as a row of
// a recording would (row_evaluator.h). The rows are kept, so that the past can be looked at while the plant goes on: a
// mirror that does not follow plays what came before, and new rows are taken in all the same.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "geoul/link/link.h"
#include "geoul/runtime/live_rows.h"
#include "geoul/runtime/row_evaluator.h"
#include "geoul/runtime/running_figures.h"

namespace geoul::runtime {

struct LiveMirrorOptions {
  std::function<Time()> now;                          // UNIX
  std::size_t memory = std::size_t{256} << 20;        // of kept rows [bytes]; beyond it the oldest quarter goes
  std::vector<std::optional<CurrentModel>> currents;  // (bindings.joints), or empty: none is known
};

class LiveMirror : public Player {
 public:
  // One link a spec of the site, in its order, asked for the columns of the bindings by column_names(). The twin and
  // the site must outlive it. Starts the links.
  LiveMirror(const Twin& twin, const Site& site, Bindings bindings, std::vector<std::unique_ptr<link::Link>> links,
             LiveMirrorOptions options);
  ~LiveMirror() override;

  // The signals that a link must be asked for, and the column of each.
  struct Asked {
    std::vector<std::string> names;
    std::vector<std::size_t> columns;
    std::vector<link::ExpectedUnit> units;
  };
  static Asked asked_of(const LinkSpec& spec, const Bindings& bindings);

  const Snapshot& snapshot() const override { return following_ ? newest_.snapshot() : past_.snapshot(); }
  const std::vector<link::SignalInfo>& signals() const override { return signals_; }
  bool step() override;
  Time next_time() const override;
  Time begin() const override { return times_.empty() ? started_ : times_.front(); }
  Time end() const override { return times_.empty() ? started_ : times_.back(); }
  bool has_end() const override { return false; }
  bool can_seek() const override { return !times_.empty(); }
  void seek(Time t) override;
  Duration dt() const override;
  std::string source() const override;
  Report report() const override;
  int report_version() const override { return report_version_; }

  bool is_live() const override { return true; }
  bool is_following() const override { return following_; }
  void follow(bool on) override;
  bool receive() override;
  Duration look_again() const override;
  const Snapshot& newest() const override { return newest_.snapshot(); }
  std::vector<LinkStatus> links() const override;
  void on_delivery(std::function<void()> wake) override { wake_ = std::move(wake); }
  std::vector<PlayerWords> take_words() override;

  std::uint64_t rows() const { return row_count_; }

 private:
  struct Followed {
    std::unique_ptr<link::Link> link;
    std::string id;
    std::vector<std::size_t> columns;  // by signal
    std::optional<Duration> anchor;    // our axis minus the source's
    std::uint64_t jumps = 0;           // clock jumps that the anchor knows
    Time slewed;                       // when the anchor was last moved
    std::string said;                  // newest problem that was told
    bool was_live = false;
  };
  void take_in();
  Time on_our_axis(Followed& feed, const link::Update& update);
  void accept(const LiveRow& row);
  void keep(const LiveRow& row);
  void show_past();
  void watch(Followed& feed);

  const Twin& twin_;
  const Site& site_;
  Bindings bindings_;
  LiveMirrorOptions options_;
  RowEvaluator newest_, past_;
  std::vector<link::SignalInfo> signals_;
  std::optional<LiveRows> assembler_;
  std::vector<Followed> feeds_;
  std::function<void()> wake_;
  std::vector<link::Update> updates_;
  Time watched_;
  // kept rows
  std::vector<Time> times_;
  std::vector<double> values_;         // (row x width)
  std::vector<double> accelerations_;  // (row x joints)
  std::size_t cursor_ = 0;             // row that is shown where not following
  bool following_ = true;
  Time started_;
  std::uint64_t row_count_ = 0;
  // figures
  RowMeasures measures_;
  RowMeasures past_measures_;
  std::vector<RunningFigures> torque_;  // (bindings.joints) measured motion against the reference torque
  RunningFigures pose_, weld_position_, weld_rotation_, latency_, interval_;
  std::size_t stale_rows_ = 0;
  int report_version_ = 0;
  Time next_report_;
  std::vector<PlayerWords> words_;
};

}  // namespace geoul::runtime
