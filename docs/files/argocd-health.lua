-- Health of a WhatsAppSession for Argo CD: a session that waits for a phone, or that a person holds, is Suspended and not
-- broken, so that a sync does not fail for want of a person.
local hs = {status = "Progressing", message = "The operator has not seen this yet"}
local status = obj.status
if status == nil or status.observedGeneration ~= obj.metadata.generation then
  return hs
end
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end
local function is(name)
  return conditions[name] ~= nil and conditions[name].status == "True"
end
local function say(health, name)
  hs.status = health
  hs.message = conditions[name] ~= nil and conditions[name].message or status.state
  return hs
end

if is("Stalled") then return say("Degraded", "Stalled") end
if is("Ready") then return say("Healthy", "Ready") end
if status.state == "Suspended" or status.state == "Stopped" then return say("Suspended", "Ready") end
if is("Conflict") then return say("Degraded", "Conflict") end
if is("QRRequired") then return say("Suspended", "QRRequired") end
if status.state == "LoggedOut" or status.state == "Restricted" or status.state == "Outdated" or status.state == "Failed" then
  return say("Degraded", "Ready")
end
if conditions.PodReady ~= nil and conditions.PodReady.status == "Unknown" then return say("Degraded", "PodReady") end
return say("Progressing", "Ready")
