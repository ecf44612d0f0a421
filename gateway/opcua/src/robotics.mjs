// The twin as OPC 40010-1 (Robotics) describes it: a motion device system with its devices, axes, power trains, controllers
// and safety states, listed under Machines as OPC 40001-1 (Machinery) wishes. What the description does not know is left
// out where the types allow it, and has no value (BadWaitingForInitialData) where they do not.
import { DataType, DataValue, StatusCodes } from "node-opcua-client";

const UNITS = "http://www.opcfoundation.org/UA/units/un/cefact"; // OPC UA part 8, EUInformation: UNECE recommendation 20
const KNOWN_UNITS = { // what the twin says, and UNECE's code of it
  rad: ["C81", "radian"], "rad/s": ["2A", "radian per second"], "rad/s2": ["2B", "radian per second squared"],
  m: ["MTR", "metre"], "m/s": ["MTS", "metre per second"], "m/s2": ["MSK", "metre per second squared"],
  kg: ["KGM", "kilogram"], "kg.m2": ["B32", "kilogram metre squared"], N: ["NEW", "newton"], "N.m": ["NU", "newton metre"],
  A: ["AMP", "ampere"], V: ["VLT", "volt"], W: ["WTT", "watt"], J: ["JOU", "joule"], s: ["SEC", "second"], K: ["KEL", "kelvin"],
  Pa: ["PAL", "pascal"], "%": ["P1", "percent"], Hz: ["HTZ", "hertz"], "°C": ["CEL", "degree Celsius"],
};

export function unitOf(unit) {
  const [code, description] = KNOWN_UNITS[unit] ?? ["", unit];
  let unitId = -1; // no code: part 8
  if (code) unitId = [...code].reduce((id, c) => id * 256 + c.charCodeAt(0), 0);
  return { namespaceUri: code ? UNITS : "urn:geoul:units", unitId, displayName: unit, description };
}

export class TwinSpace {
  axes = []; // {position, speed, acceleration}: variables, in the order of the description
  overrides = []; // of each device
  temperatures = []; // of each motor
  safety = []; // {mode, emergency, protective}
  variables = [];
  #space;
  #own;
  #indices;

  constructor(addressSpace, description) {
    this.#space = addressSpace;
    this.#own = addressSpace.registerNamespace("urn:geoul:twin");
    const index = (uri) => addressSpace.getNamespaceIndex(uri);
    this.#indices = { di: index("http://opcfoundation.org/UA/DI/"), robotics: index("http://opcfoundation.org/UA/Robotics/"),
      machinery: index("http://opcfoundation.org/UA/Machinery/") };
    this.#build(description);
  }

  #type(name) {
    return this.#space.findObjectType(name, this.#indices.robotics);
  }
  #reference(name) {
    return this.#space.findReferenceType(name, this.#indices.robotics).nodeId;
  }

  // An instance in our own namespace whose node id says where it stands: "cell/arm/Axes/Axis1".
  #instance(type, parent, name, optionals = [], extra = {}) {
    return type.instantiate({ browseName: { name, namespaceIndex: this.#own.index }, namespace: this.#own, optionals, displayName: name,
      ...(extra.organizedBy ? { organizedBy: parent } : { componentOf: parent }) });
  }

  // The child of this name in one of the namespaces that types live in, not in our own.
  #child(node, name) {
    for (const namespace of [this.#indices.robotics, this.#indices.di, 0]) {
      const child = node.getChildByName({ name, namespaceIndex: namespace });
      if (child) return child;
    }
    throw new Error(`'${node.browseName.name}' has no '${name}'`);
  }
  #parameter(node, name) {
    return this.#child(this.#child(node, "ParameterSet"), name);
  }

  #set(variable, dataType, value) {
    if (value === undefined || value === null) {
      variable.setValueFromSource({ dataType: DataType.Null }, StatusCodes.BadWaitingForInitialData);
    } else {
      variable.setValueFromSource({ dataType, value }, StatusCodes.Good);
    }
    return variable;
  }

  #unit(variable, unit) {
    const value = this.#space.constructExtensionObject(this.#space.findDataType("EUInformation"), unitOf(unit));
    this.#child(variable, "EngineeringUnits").setValueFromSource({ dataType: DataType.ExtensionObject, value });
    return variable;
  }

  #identify(node, { manufacturer = "", model = "", product_code = "", serial_number = "" }) {
    this.#set(this.#child(node, "Manufacturer"), DataType.LocalizedText, { text: manufacturer });
    this.#set(this.#child(node, "Model"), DataType.LocalizedText, { text: model });
    this.#set(this.#child(node, "ProductCode"), DataType.String, product_code);
    this.#set(this.#child(node, "SerialNumber"), DataType.String, serial_number);
  }

  #build(description) {
    const deviceSet = this.#space.findNode(`ns=${this.#indices.di};i=5001`); // Objects/DeviceSet, of OPC 10000-100
    const system = this.#instance(this.#type("MotionDeviceSystemType"), deviceSet, description.name, ["ComponentName"]);
    this.#set(this.#child(system, "ComponentName"), DataType.LocalizedText, { text: description.name });
    const machines = this.#space.findNode(`ns=${this.#indices.machinery};i=1001`); // Objects/Machines, of OPC 40001-1
    machines.addReference({ referenceType: "Organizes", nodeId: system.nodeId, isForward: true });
    const controllers = this.#child(system, "Controllers"), devices = this.#child(system, "MotionDevices");
    const made = description.devices.map((device) => this.#device(devices, device));
    for (const controller of description.controllers) this.#controller(controllers, controller, made);
    for (const name of description.safety_states) this.#safetyState(this.#child(system, "SafetyStates"), name);
    if (description.variables.length) this.#signals(description);
  }

  #device(parent, device) {
    const optionals = device.flange_load ? ["FlangeLoad", "ComponentName"] : ["ComponentName"];
    const node = this.#instance(this.#type("MotionDeviceType"), parent, device.name, optionals);
    this.#identify(node, device);
    this.#set(this.#child(node, "ComponentName"), DataType.LocalizedText, { text: device.description || device.name });
    this.#set(this.#child(node, "MotionDeviceCategory"), DataType.Int32, device.category);
    this.overrides.push(this.#set(this.#parameter(node, "SpeedOverride"), DataType.Double, null));
    if (device.flange_load) this.#load(this.#child(node, "FlangeLoad"), device.flange_load);
    const axes = device.axes.map((axis) => this.#axis(this.#child(node, "Axes"), axis));
    for (const train of device.power_trains) this.#powerTrain(this.#child(node, "PowerTrains"), train, axes);
    return node;
  }

  #axis(parent, axis) {
    const optionals = ["ParameterSet.ActualSpeed", "ParameterSet.ActualAcceleration"];
    if (axis.load) optionals.push("AdditionalLoad");
    const node = this.#instance(this.#type("AxisType"), parent, axis.name, optionals);
    if (axis.description) node.setDescription?.({ text: axis.description });
    this.#set(this.#child(node, "MotionProfile"), DataType.Int32, axis.profile);
    const unit = axis.linear ? "m" : "rad";
    const position = this.#unit(this.#parameter(node, "ActualPosition"), unit);
    const speed = this.#unit(this.#parameter(node, "ActualSpeed"), `${unit}/s`);
    const acceleration = this.#unit(this.#parameter(node, "ActualAcceleration"), `${unit}/s2`);
    for (const variable of [position, speed, acceleration]) this.#set(variable, DataType.Double, null);
    if (axis.range) {
      const range = this.#space.constructExtensionObject(this.#space.findDataType("Range"), { low: axis.range[0], high: axis.range[1] });
      this.#own.addVariable({ browseName: { name: "EURange", namespaceIndex: 0 }, propertyOf: position, dataType: "Range",
        typeDefinition: "PropertyType", accessLevel: "CurrentRead", userAccessLevel: "CurrentRead",
        value: { dataType: DataType.ExtensionObject, value: range } });
    }
    if (axis.load) this.#load(this.#child(node, "AdditionalLoad"), axis.load);
    this.axes.push({ position, speed, acceleration });
    return node;
  }

  #load(node, load) {
    this.#unit(this.#set(this.#child(node, "Mass"), DataType.Double, load.mass), "kg");
  }

  #powerTrain(parent, train, axes) {
    const node = this.#instance(this.#type("PowerTrainType"), parent, train.name);
    const motor = this.#instance(this.#type("MotorType"), node, train.motor.name);
    this.#identify(motor, train.motor);
    this.temperatures.push(this.#unit(this.#set(this.#parameter(motor, "MotorTemperature"), DataType.Double, null), "°C"));
    node.addReference({ referenceType: this.#reference("Moves"), nodeId: axes[train.axis].nodeId, isForward: true });
  }

  #controller(parent, controller, devices) {
    const node = this.#instance(this.#type("ControllerType"), parent, controller.name);
    this.#identify(node, controller);
    this.#set(this.#child(this.#child(node, "CurrentUser"), "Level"), DataType.String, "");
    const softwareType = this.#space.findObjectType("SoftwareType", this.#indices.di);
    const software = this.#instance(softwareType, this.#child(node, "Software"), controller.software.name);
    this.#set(this.#child(software, "Manufacturer"), DataType.LocalizedText, { text: controller.software.manufacturer });
    this.#set(this.#child(software, "Model"), DataType.LocalizedText, { text: controller.software.name });
    this.#set(this.#child(software, "SoftwareRevision"), DataType.String, controller.software.revision);
    const task = this.#instance(this.#type("TaskControlType"), this.#child(node, "TaskControls"), controller.task.name);
    this.#set(this.#child(task, "ComponentName"), DataType.LocalizedText, { text: controller.task.name });
    this.#set(this.#parameter(task, "TaskProgramName"), DataType.String, controller.task.program);
    this.#set(this.#parameter(task, "TaskProgramLoaded"), DataType.Boolean, controller.task.loaded);
    for (const device of devices) {
      node.addReference({ referenceType: this.#reference("Controls"), nodeId: device.nodeId, isForward: true });
    }
  }

  #safetyState(parent, name) {
    const node = this.#instance(this.#type("SafetyStateType"), parent, name);
    this.safety.push({
      mode: this.#set(this.#parameter(node, "OperationalMode"), DataType.Int32, null),
      emergency: this.#set(this.#parameter(node, "EmergencyStop"), DataType.Boolean, null),
      protective: this.#set(this.#parameter(node, "ProtectiveStop"), DataType.Boolean, null),
    });
  }

  // What the twin knows beyond its motion: a flat folder of variables beside the system.
  #signals(description) {
    const folder = this.#own.addFolder(this.#space.rootFolder.objects, { browseName: { name: `${description.name} signals`,
      namespaceIndex: this.#own.index } });
    for (const { name, unit, description: words } of description.variables) {
      const variable = this.#own.addVariable({ browseName: { name, namespaceIndex: this.#own.index }, componentOf: folder,
        nodeId: `s=${name}`, dataType: "Double", description: { text: words }, typeDefinition: unit ? "AnalogUnitType" : "BaseDataVariableType",
        accessLevel: "CurrentRead", userAccessLevel: "CurrentRead" });
      this.#set(variable, DataType.Double, null);
      if (unit) {
        const value = this.#space.constructExtensionObject(this.#space.findDataType("EUInformation"), unitOf(unit));
        this.#own.addVariable({ browseName: { name: "EngineeringUnits", namespaceIndex: 0 }, propertyOf: variable, dataType: "EUInformation",
          typeDefinition: "PropertyType", accessLevel: "CurrentRead", userAccessLevel: "CurrentRead",
          value: { dataType: DataType.ExtensionObject, value } });
      }
      this.variables.push(variable);
    }
  }
}

const GRADES = [StatusCodes.Good, StatusCodes.Uncertain, StatusCodes.Bad];

// Sets a variable to a value of the twin at its time {date, picoseconds}; null: it is not known. The library's public
// setValueFromSource knows only milliseconds; the one below it takes the whole time. A test reads the nanoseconds back.
export function publish(variable, dataType, value, grade, time) {
  const known = value !== null && value !== undefined;
  variable._internal_set_dataValue(new DataValue({
    value: known ? { dataType, value: number(value) } : { dataType: DataType.Null },
    statusCode: known ? GRADES[grade] : StatusCodes.BadWaitingForInitialData,
    sourceTimestamp: time.date, sourcePicoseconds: time.picoseconds,
    serverTimestamp: time.date, serverPicoseconds: time.picoseconds }));
}

function number(value) {
  return value === "nan" ? NaN : value === "inf" ? Infinity : value === "-inf" ? -Infinity : value;
}
