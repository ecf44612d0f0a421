// The plan of a batch in lanes with the arrays that it points to.
#pragma once

#include <vector>

#include "geoul/dynamics/batch_frames.h"
#include "geoul/dynamics/batch_plan.h"
#include "geoul/dynamics/step.h"

namespace geoul::dynamics {

struct PlanData {
  std::vector<KernelFrame> frames;  // (nlink)
  std::vector<BatchLink> links;
  std::vector<BatchTree> trees;
  std::vector<double> parameters, frame_numbers, laws;
  std::vector<float> parameters_f, frame_numbers_f, laws_f;
  BatchPlan plan;

  PlanData() = default;
  PlanData(const PlanData&) = delete;
  PlanData& operator=(const PlanData&) = delete;
};

void make_plan(const Model& model, const StepOptions& options, PlanData& data);

}  // namespace geoul::dynamics
