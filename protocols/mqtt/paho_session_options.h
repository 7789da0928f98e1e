// Our options in Paho's words, and Paho's codes in people's.
#pragma once

#include <mqtt/connect_options.h>

#include <chrono>
#include <mutex>
#include <string>

#include "protocols/mqtt/reachability.h"
#include "protocols/mqtt/session.h"

namespace carbongate::mqtt {

// Held while a client is made or destroyed. Paho 1.3.12 tears its global state down with the last client, and lets go
// of its mutex while it waits for its threads: a client created meanwhile by another session would be lost with it.
std::mutex& client_lifetime();

inline constexpr int kFirstFailure = 0x80;  // of the reason codes of MQTT 5 and of SUBACK

std::string place_of(const SessionOptions& options);  // "10.0.0.2:8883"
std::string uri_of(const SessionOptions& options);    // "ssl://10.0.0.2:8883"
Endpoint endpoint_of(const SessionOptions& options);

// The server that was tried goes to the end of those that may be.
void turn_to_next_server(SessionOptions& options);

// Fills in options just made, for MQTTVERSION_5 or MQTTVERSION_3_1_1. Pass them straight on to connect(): copies of
// copies of Paho C++ 1.2's connect_options lose their properties, and with them the session's expiry.
void fill(::mqtt::connect_options& connect, const SessionOptions& options, int version, std::chrono::seconds limit);

// "Not authorized (135)", "bad user name or password (4)": of a CONNACK, SUBACK or DISCONNECT.
std::string refusal_text(int code);

}  // namespace carbongate::mqtt
