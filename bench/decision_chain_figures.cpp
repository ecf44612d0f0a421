// The chain of a command on a bad network: 20 % loss, 30 s outages, 1 s of clock skew, reordering, doubled messages and
// crashes of both ends.
//   decision_chain_figures [SEEDS]   10,000
#include <cstdlib>

#include "bench/figure.h"
#include "geoul/decision/chain/network_trial.h"

using namespace geoul;
using namespace geoul::decision::chain;

int main(int argc, char** argv) {
  const long seeds = argc > 1 ? std::atol(argv[1]) : 10'000;
  NetworkResult sum;
  for (long seed = 0; seed < seeds; ++seed) add(sum, run_network_trial(std::uint64_t(seed)));
  bench::at_least("chain/seeds", double(seeds), "", 10'000);
  bench::report("chain/commands", sum.commands, "");
  bench::report("chain/acknowledged", sum.acknowledged, "");
  bench::at_most("chain/lost", sum.lost, "", 0);
  bench::at_most("chain/doubled", sum.doubled, "", 0);
  bench::at_most("chain/applied without approval", sum.forbidden, "", 0);
  bench::at_most("chain/applied after expiry", sum.late, "", 0);
  bench::at_most("chain/never ended", sum.unfinished, "", 0);
  bench::at_most("chain/twin and plant apart at the end", sum.apart, "", 0);
  bench::report("chain/closed", sum.closed, "");
  bench::report("chain/rolled back", sum.rolled_back, "");
  bench::report("chain/refused", sum.refused, "");
  bench::report("chain/expired", sum.expired, "");
  bench::report("chain/withdrawn", sum.withdrawn, "");
  bench::report("chain/crashes", sum.crashes, "");
  bench::report("chain/messages", sum.messages, "");
  bench::report("chain/messages lost", 100.0 * sum.lost_messages / sum.messages, "%");
  return 0;
}
