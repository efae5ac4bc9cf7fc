// Asio opens and accepts sockets that every program we start would inherit: a credential_process could then hold a
// listener's port, or a client's connection, for longer than we do. What we open ourselves has SOCK_CLOEXEC.
#pragma once

namespace countersign::proxy {

// For a socket of Asio's, as soon as it is there and on the thread that starts programs, or before there is one.
// Throws boost::system::system_error when the system refuses.
void close_on_exec(int descriptor);

} // namespace countersign::proxy
