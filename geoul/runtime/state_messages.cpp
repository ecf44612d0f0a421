#include "geoul/runtime/state_messages.h"

#include <algorithm>
#include <cmath>

#include "foxglove/FrameTransforms.pb.h"
#include "foxglove/Log.pb.h"
#include "foxglove/SceneUpdate.pb.h"
#include "geoul.pb.h"
#include "geoul/dynamics/contacts.h"
#include "geoul/runtime/protocol/timestamp.h"
#include "geoul/runtime/shape_messages.h"

namespace geoul::runtime {
namespace {

template <class Vector>
void set(Vector& out, const Vec3d& v) {
  out.set_x(v.x);
  out.set_y(v.y);
  out.set_z(v.z);
}

void set(::geoul::Placement& out, const Posed& X) {
  set(*out.mutable_position(), X.p);
  out.set_qx(X.R.x);
  out.set_qy(X.R.y);
  out.set_qz(X.R.z);
  out.set_qw(X.R.w);
}

const std::string& body_path(const Twin& twin, scene::BodyId body) {
  static const std::string world;
  return body.valid() ? twin.scene.bodies[body.index()].path : world;
}

::geoul::JointKind kind_of(scene::JointType type) {
  switch (type) {
    case scene::JointType::kFixed: return ::geoul::FIXED;
    case scene::JointType::kRevolute: return ::geoul::REVOLUTE;
    case scene::JointType::kContinuous: return ::geoul::CONTINUOUS;
    case scene::JointType::kPrismatic: return ::geoul::PRISMATIC;
    case scene::JointType::kSpherical: return ::geoul::SPHERICAL;
    case scene::JointType::kPlanar: return ::geoul::PLANAR;
    case scene::JointType::kFree: return ::geoul::FREE;
  }
  return ::geoul::FIXED;
}

void fill(::geoul::Joint& out, const Twin& twin, const scene::Joint& joint) {
  out.set_name(joint.path);
  out.set_label(label_of(joint.path));
  out.set_kind(kind_of(joint.type));
  out.set_body0(body_path(twin, joint.parent));
  out.set_body1(body_path(twin, joint.child));
  set(*out.mutable_axis(), joint.axis);
  set(*out.mutable_frame0(), joint.X_PJ);
  set(*out.mutable_frame1(), joint.X_CJ);
  out.set_lower(joint.lower);
  out.set_upper(joint.upper);
  out.set_effort_limit(joint.effort_limit);
  out.set_velocity_limit(joint.velocity_limit);
  out.set_damping(joint.damping);
  out.set_friction(joint.friction);
  out.set_armature(joint.armature);
}

// What a client sent. The library's own lines about bad bytes are silenced, or any client could fill the terminal.
template <class Message>
bool parse(std::string_view bytes, Message& out) {
  [[maybe_unused]] static const auto before = google::protobuf::SetLogHandler(nullptr);
  return out.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

}  // namespace

std::string scene_message(const Twin& twin, Time time) {
  foxglove::SceneUpdate out;
  const auto add_entity = [&](const std::string& frame) -> foxglove::SceneEntity& {
    foxglove::SceneEntity& entity = *out.add_entities();
    set(*entity.mutable_timestamp(), time);
    entity.set_frame_id(frame);
    entity.set_id(frame);
    entity.set_frame_locked(true);
    foxglove::KeyValuePair& label = *entity.add_metadata();
    label.set_key("label");
    label.set_value(label_of(frame));
    return entity;
  };
  ModelBytes models;
  for (int body = -1; body < static_cast<int>(twin.scene.bodies.size()); ++body) {
    foxglove::SceneEntity* entity = nullptr;
    for (const scene::Shape& shape : twin.scene.shapes) {
      if (!shape.visible || shape.body.value != body) continue;
      if (!entity) entity = &add_entity(body < 0 ? "world" : twin.scene.bodies[static_cast<std::size_t>(body)].path);
      add_shape(twin.scene, shape, models, *entity);
    }
  }
  return out.SerializeAsString();
}

std::string model_message(const Twin& twin) {
  ::geoul::Model out;
  out.set_name(twin.scene.name);
  for (std::size_t b = 0; b < twin.scene.bodies.size(); ++b) {
    const scene::Body& body = twin.scene.bodies[b];
    ::geoul::Body& message = *out.add_bodies();
    message.set_name(body.path);
    message.set_label(label_of(body.path));
    message.set_mass(body.mass.mass);
    set(*message.mutable_center_of_mass(), body.mass.center);
    set(*message.mutable_principal_inertia(), scene::principal_moments(body.mass.inertia));
    const dynamics::BodyAddress& address = twin.model.bodies[b];
    message.set_rigid_group(address.link < 0 ? 0 : address.group + 1);
  }
  for (const scene::Joint& joint : twin.scene.joints) fill(*out.add_joints(), twin, joint);
  for (const scene::Site& site : twin.scene.sites) {
    ::geoul::Site& message = *out.add_sites();
    message.set_name(site.path);
    message.set_body(body_path(twin, site.body));
    set(*message.mutable_pose(), site.X_BS);
  }
  set(*out.mutable_gravity(), twin.scene.gravity);
  return out.SerializeAsString();
}

std::string transforms_message(const Twin& twin, const scene::State& state) {
  foxglove::FrameTransforms out;
  for (std::size_t b = 0; b < twin.scene.bodies.size(); ++b) {
    foxglove::FrameTransform& transform = *out.add_transforms();
    set(*transform.mutable_timestamp(), state.time);
    transform.set_parent_frame_id("world");
    transform.set_child_frame_id(twin.scene.bodies[b].path);
    const Posed& X_WB = state.X_WB[b];
    set(*transform.mutable_translation(), X_WB.p);
    transform.mutable_rotation()->set_x(X_WB.R.x);
    transform.mutable_rotation()->set_y(X_WB.R.y);
    transform.mutable_rotation()->set_z(X_WB.R.z);
    transform.mutable_rotation()->set_w(X_WB.R.w);
  }
  return out.SerializeAsString();
}

std::string joints_message(const Twin& twin, const Snapshot& snapshot) {
  const scene::State& state = snapshot.state;
  const scene::StateLayout& layout = snapshot.layout ? *snapshot.layout : twin.model.layout;
  ::geoul::JointStates out;
  set(*out.mutable_timestamp(), state.time);
  for (const scene::JointId id : twin.moving) {
    const scene::JointAddress address = layout.joints[id.index()];
    ::geoul::JointState& joint = *out.add_joints();
    joint.set_name(twin.scene.joints[id.index()].path);
    for (int i = 0; i < address.nq; ++i) joint.add_position(state.q[static_cast<std::size_t>(address.q + i)]);
    for (int i = 0; i < address.nv; ++i) joint.add_velocity(state.v[static_cast<std::size_t>(address.v + i)]);
    for (int i = 0; i < address.nv; ++i) joint.add_effort(state.tau[static_cast<std::size_t>(address.v + i)]);
  }
  return out.SerializeAsString();
}

std::string fixed_joints_message(const Twin& twin, const Snapshot& snapshot) {
  ::geoul::FixedJoints out;
  set(*out.mutable_timestamp(), snapshot.state.time);
  for (std::size_t i = 0; i < twin.welds.size(); ++i) {
    const scene::Joint& joint = twin.scene.joints[twin.welds[i].index()];
    const scene::JointWrench& wrench = snapshot.state.wrenches[twin.welds[i].index()];
    ::geoul::FixedJoint& message = *out.add_joints();
    message.set_name(joint.path);
    message.set_body0(body_path(twin, joint.parent));
    message.set_body1(body_path(twin, joint.child));
    message.set_position_error(snapshot.welds[i].position);
    message.set_rotation_error(snapshot.welds[i].rotation);
    set(*message.mutable_force(), wrench.F_C_J.f);
    set(*message.mutable_torque(), wrench.F_C_J.n);
    message.set_indeterminate(wrench.indeterminate);
  }
  return out.SerializeAsString();
}

std::string signals_message(const std::vector<link::SignalInfo>& names, const Snapshot& snapshot) {
  ::geoul::Signals out;
  set(*out.mutable_timestamp(), snapshot.state.time);
  for (std::size_t i = 0; i < names.size(); ++i) {
    ::geoul::Signal& signal = *out.add_signals();
    signal.set_name(names[i].name);
    signal.set_unit(names[i].unit);
    signal.set_measured(snapshot.signals[i].measured);
    signal.set_predicted(snapshot.signals[i].predicted);
    signal.set_residual(snapshot.signals[i].measured - snapshot.signals[i].predicted);
  }
  return out.SerializeAsString();
}

std::string clock_message(const ClockStatus& status) {
  ::geoul::Clock out;
  set(*out.mutable_now(), status.now);
  set(*out.mutable_begin(), status.begin);
  if (status.has_end || status.is_live) set(*out.mutable_end(), status.end);
  out.set_mode(status.mode == ClockMode::kPaused     ? ::geoul::PAUSED
               : status.mode == ClockMode::kRealTime ? ::geoul::REAL_TIME
                                                     : ::geoul::FREE_RUN);
  out.set_speed(status.speed);
  out.set_dt(status.dt.seconds());
  out.set_real_time_factor(status.real_time_factor);
  out.set_steps_per_second(status.steps_per_second);
  out.set_can_seek(status.can_seek);
  out.set_source(status.source);
  out.set_is_live(status.is_live);
  out.set_is_following(status.is_following);
  return out.SerializeAsString();
}

std::string links_message(const std::vector<LinkStatus>& links, Time now) {
  ::geoul::Links out;
  set(*out.mutable_timestamp(), now);
  for (const LinkStatus& status : links) {
    const link::LinkHealth& health = status.health;
    ::geoul::Link& message = *out.add_links();
    message.set_id(status.id);
    message.set_peer(health.peer);
    message.set_state(static_cast<::geoul::LinkState>(health.state));  // the same order
    message.set_problem(health.problem);
    if (health.state == link::LinkState::kWaiting) message.set_retry_in((health.retry_at - now).seconds());
    message.set_rate(health.rate);
    message.set_age(health.updates > 0 ? (now - health.last_receive).seconds() : -1);
    message.set_updates(health.updates);
    message.set_lost(health.lost);
    message.set_duplicated(health.duplicated);
    message.set_reordered(health.reordered);
    message.set_dropped(health.dropped);
    message.set_reconnects(health.reconnects);
    message.set_clock_jumps(health.clock_jumps);
    message.set_has_clock(health.has_clock);
    message.set_clock_offset(health.clock_offset.seconds());
    message.set_clock_drift(health.clock_drift);
    message.set_delay_median(health.delay_median.seconds());
    message.set_delay_worst(health.delay_worst.seconds());
    message.set_signals(static_cast<std::uint32_t>(status.signals));
    for (const std::string& name : status.stale) message.add_stale(name);
  }
  return out.SerializeAsString();
}

std::string events_message(const std::vector<TwinEvent>& events, Time time) {
  ::geoul::Events out;
  set(*out.mutable_timestamp(), time);
  for (const TwinEvent& event : events) {
    ::geoul::Event& message = *out.add_events();
    set(*message.mutable_timestamp(), event.time);
    message.set_severity(static_cast<::geoul::EventSeverity>(std::clamp(event.severity, 0, 2)));  // the same order
    message.set_source(event.source);
    message.set_name(event.name);
    message.set_text(event.text);
  }
  return out.SerializeAsString();
}

std::string report_message(const Report& report, Time time) {
  ::geoul::Report out;
  set(*out.mutable_timestamp(), time);
  for (const ReportLine& line : report.lines) {
    ::geoul::ReportLine& message = *out.add_lines();
    message.set_name(line.name);
    message.set_value(line.value);
    message.set_unit(line.unit);
    message.set_bound(line.bound);
    message.set_ok(line.ok);
    message.set_note(line.note);
  }
  return out.SerializeAsString();
}

std::string log_message(log::Level level, std::string_view text, Time time) {
  foxglove::Log out;
  set(*out.mutable_timestamp(), time);
  constexpr foxglove::Log::Level kLevels[] = {foxglove::Log::DEBUG, foxglove::Log::INFO, foxglove::Log::WARNING,
                                              foxglove::Log::ERROR};
  out.set_level(kLevels[static_cast<int>(level)]);
  out.set_message(std::string(text));
  out.set_name("geoul");
  return out.SerializeAsString();
}

std::string contacts_message(const dynamics::World& world) {
  ::geoul::Contacts out;
  set(*out.mutable_timestamp(), world.state.time);
  if (!world.data.contact) return out.SerializeAsString();
  const auto name = [&](int collider) -> const std::string& {
    const auto& c = world.model.contact->geometry->colliders[static_cast<std::size_t>(collider)];
    return world.scene.shapes[c.shape.index()].path;
  };
  for (const dynamics::Contact& contact : world.data.contact->contacts) {
    ::geoul::Contact& message = *out.add_contacts();
    message.set_shape0(name(contact.a));
    message.set_shape1(name(contact.b));
    set(*message.mutable_position(), contact.p_W);
    set(*message.mutable_normal(), contact.normal_W);
    set(*message.mutable_force(), contact.force_W);
    message.set_penetration(-contact.distance);
    message.set_cone_violation(contact.cone);
    message.set_complementarity(contact.complementarity);
    message.set_converged(contact.converged);
  }
  return out.SerializeAsString();
}

std::string wrenches_message(const Twin& twin, const Snapshot& snapshot) {
  ::geoul::Wrenches out;
  const scene::State& state = snapshot.state;
  set(*out.mutable_timestamp(), state.time);
  for (std::size_t j = 0; j < twin.scene.joints.size(); ++j) {
    const scene::Joint& joint = twin.scene.joints[j];
    if (!joint.enabled || joint.type == scene::JointType::kFree) continue;  // a free joint carries nothing
    const FrameAddress frame{joint.child, transform(joint.X_CJ)};
    const Transformd X_WJ = frame_pose(state, frame);
    const scene::JointWrench& wrench = state.wrenches[j];
    ::geoul::Wrench& message = *out.add_wrenches();
    message.set_joint(joint.path);
    set(*message.mutable_position(), X_WJ.p);
    set(*message.mutable_force(), X_WJ.R * wrench.F_C_J.f);
    set(*message.mutable_torque(), X_WJ.R * wrench.F_C_J.n);
    message.set_indeterminate(wrench.indeterminate);
  }
  return out.SerializeAsString();
}

std::string drags_message(const Drags& drags, Time time) {
  ::geoul::Drags out;
  set(*out.mutable_timestamp(), time);
  for (const auto& [client, pull] : drags.pulls()) {
    ::geoul::Drag& message = *out.add_drags();
    message.set_body(pull.drag.body);
    set(*message.mutable_point(), pull.point_W);
    set(*message.mutable_target(), pull.drag.target_W);
    set(*message.mutable_force(), pull.force_W);
  }
  return out.SerializeAsString();
}

Result<std::optional<Drag>> parse_drag_command(std::string_view bytes) {
  ::geoul::DragCommand in;
  if (!parse(bytes, in)) {
    return Error{ErrorCode::kBadInput, "the request is not a geoul.DragCommand"};
  }
  if (in.body().empty()) return std::optional<Drag>{};
  if (!in.has_point() || !in.has_target())
    return Error{ErrorCode::kBadInput, "drag: the command names no point or no target; give both"};
  Drag out{in.body(),
           {in.point().x(), in.point().y(), in.point().z()},
           {in.target().x(), in.target().y(), in.target().z()},
           std::nullopt,
           std::nullopt};
  if (in.stiffness() != 0) out.stiffness = in.stiffness();
  if (in.damping() != 0) out.damping = in.damping();
  return std::optional<Drag>{std::move(out)};
}

Result<ClockCommand> parse_clock_command(std::string_view bytes) {
  ::geoul::ClockCommand in;
  if (!parse(bytes, in)) {
    return Error{ErrorCode::kBadInput, "the request is not a geoul.ClockCommand"};
  }
  switch (in.command_case()) {
    case ::geoul::ClockCommand::kMode:
      if (in.mode() == ::geoul::PAUSED) return ClockCommand{SetMode{ClockMode::kPaused}};
      if (in.mode() == ::geoul::REAL_TIME) return ClockCommand{SetMode{ClockMode::kRealTime}};
      if (in.mode() == ::geoul::FREE_RUN) return ClockCommand{SetMode{ClockMode::kFreeRun}};
      return Error{ErrorCode::kBadInput, "there is no clock mode " + std::to_string(in.mode())};
    case ::geoul::ClockCommand::kStep: return ClockCommand{TakeSteps{in.step()}};
    case ::geoul::ClockCommand::kSeek:
      if (std::abs(in.seek().seconds()) > 9'000'000'000)
        return Error{ErrorCode::kBadInput, "the instant to seek is out of range"};
      return ClockCommand{Seek{{in.seek().seconds() * kSecond + in.seek().nanos()}}};
    case ::geoul::ClockCommand::kSpeed: return ClockCommand{SetSpeed{in.speed()}};
    default:
      return Error{ErrorCode::kBadInput, "the clock command is empty: give a mode, steps, an instant or a speed"};
  }
}

std::vector<Topic> topics() {
  constexpr Duration kFrame{16'000'000}, kSample{4'000'000};  // pages show 60 pictures a second, and plot finer
  return {{"/scene", schema_of<foxglove::SceneUpdate>(), true},
          {"/model", schema_of<::geoul::Model>(), true},
          {"/tf", schema_of<foxglove::FrameTransforms>(), true, kFrame},
          {"/joints", schema_of<::geoul::JointStates>(), true, kSample},
          {"/fixed_joints", schema_of<::geoul::FixedJoints>(), true, kFrame},
          {"/signals", schema_of<::geoul::Signals>(), true, kSample},
          {"/clock", schema_of<::geoul::Clock>(), true},
          {"/report", schema_of<::geoul::Report>(), true},
          {"/log", schema_of<foxglove::Log>(), false},
          {"/contacts", schema_of<::geoul::Contacts>(), false, kFrame},
          {"/wrenches", schema_of<::geoul::Wrenches>(), false, kFrame},
          {"/residuals", schema_of<::geoul::Report>(), false, kFrame},
          {"/drags", schema_of<::geoul::Drags>(), false, kFrame},
          {"/links", schema_of<::geoul::Links>(), true},
          {"/events", schema_of<::geoul::Events>(), true},
          {"/alarms", schema_of<::geoul::Alarms>(), true},
          {"/estimates", schema_of<::geoul::Estimates>(), false, kSample},
          {"/advice", schema_of<::geoul::AdviceList>(), true},
          {"/commands", schema_of<::geoul::PlantCommands>(), true}};
}

MessageSchema clock_command_schema() { return schema_of<::geoul::ClockCommand>(); }
MessageSchema clock_schema() { return schema_of<::geoul::Clock>(); }
MessageSchema drag_command_schema() { return schema_of<::geoul::DragCommand>(); }
MessageSchema drags_schema() { return schema_of<::geoul::Drags>(); }

}  // namespace geoul::runtime
