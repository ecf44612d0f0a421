// LiveMirror: the twin of a running plant. Follows its links: every row that they deliver becomes a State, as a row of
// a recording would (row_evaluator.h). The rows are kept, so that the past can be looked at while the plant goes on: a
// mirror that does not follow plays what came before, and new rows are taken in all the same. With a history everything
// is recorded, and the past goes back beyond what memory holds, into earlier runs of the site.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "geoul/link/link.h"
#include "geoul/runtime/live_history.h"
#include "geoul/runtime/live_inputs.h"
#include "geoul/runtime/live_past.h"
#include "geoul/runtime/row_evaluator.h"
#include "geoul/runtime/row_maker.h"
#include "geoul/runtime/running_figures.h"

namespace geoul::runtime {

struct LiveMirrorOptions {
  std::function<Time()> now;                          // UNIX
  std::size_t memory = std::size_t{256} << 20;        // of kept rows [bytes]; beyond it the oldest go
  std::vector<std::optional<CurrentModel>> currents;  // (bindings.joints), or empty: none is known
  // Told every new row as a State with its measures; must not wait.
  std::function<void(const scene::State&, const RowMeasures&)> on_row = {};
};

class LiveMirror : public Player {
 public:
  // One link a spec of the site, in its order, asked for the columns of the bindings by column_names(). The twin and
  // the site must outlive it. Starts the links.
  LiveMirror(const Twin& twin, const Site& site, Bindings bindings, std::vector<std::unique_ptr<link::Link>> links,
             LiveMirrorOptions options);
  ~LiveMirror() override;

  // Records from now on; the history must outlive the mirror, or be taken away (null).
  void record(LiveHistory* history);
  // The end: makes rows of what has come, each told to on_row, and gives the history a snapshot of where the twin
  // stands.
  void settle(const std::function<void()>& on_row = {});
  // Past instants that memory does not hold.
  void remember(std::unique_ptr<LivePast> past);
  const Bindings& bindings() const { return bindings_; }

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
  Time begin() const override;
  Time end() const override { return kept_.empty() ? started_ : kept_.back().row.time; }
  bool has_end() const override { return false; }
  bool can_seek() const override { return !kept_.empty() || (disk_ && !disk_->empty()); }
  void seek(Time t) override;
  Duration dt() const override { return period_; }
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
  std::vector<TwinEvent> events() const override { return events_; }
  int event_version() const override { return event_version_; }
  // An event of the site that came about elsewhere: a finding, a sign-in.
  void note(TwinEvent event);

  std::uint64_t rows() const { return maker_.rows(); }

 private:
  struct Followed {
    std::unique_ptr<link::Link> link;
    std::string id;
    std::vector<std::size_t> columns;  // by signal
    std::uint64_t jumps = 0;           // clock jumps that the anchor knows
    Time slewed;                       // when the anchor was last moved
    std::string said;                  // newest problem that was told
    bool was_live = false;
    std::uint64_t dropped = 0;  // that were told
    Time dropped_at;
  };
  bool next_row(Time now);
  void take_in();
  void hand_over();
  void save_if_due(Time now);
  void accept();
  void keep(const MadeRow& row);
  void show_past();
  void show_disk();
  bool step_on_disk();
  void enter_memory();
  std::deque<MadeRow>::const_iterator after(Time t) const;  // the first kept row that is later
  void watch(Followed& feed);
  void watch_flood(Followed& feed, const link::LinkHealth& health, Time now);
  void set_anchor(std::size_t feed, std::optional<Duration> anchor);

  const Twin& twin_;
  const Site& site_;
  Bindings bindings_;
  LiveMirrorOptions options_;
  RowEvaluator newest_, past_;
  std::vector<link::SignalInfo> signals_;
  Time started_;
  Duration period_;
  RowMaker maker_;
  std::vector<Followed> feeds_;
  std::function<void()> wake_;
  std::vector<link::Update> updates_;
  Time watched_;
  std::uint64_t leaps_ = 0;  // of clocks, that were told
  // what goes into the history
  LiveHistory* history_ = nullptr;
  LiveInputWriter inputs_;
  LiveHistory::Batch batch_;  // of inputs_, without its bytes
  std::unique_ptr<LivePast> disk_;
  bool on_disk_ = false;  // what is shown is from there
  // kept rows
  std::deque<MadeRow> kept_;  // by time
  std::size_t cursor_ = 0;    // row that is shown where not following
  bool following_ = true;
  // figures
  RowMeasures measures_;
  RowMeasures past_measures_;
  std::vector<RunningFigures> torque_;  // (bindings.joints) measured motion against the reference torque
  RunningFigures pose_, weld_position_, weld_rotation_, latency_, interval_;
  std::size_t stale_rows_ = 0;
  int report_version_ = 0;
  Time next_report_;
  std::vector<PlayerWords> words_;
  std::vector<TwinEvent> events_;
  int event_version_ = 0;
};

}  // namespace geoul::runtime
