// The parts of Asio that netd uses, with the executor's type written out, which spares a virtual call each time.
#ifndef NETD_ASIO_H_
#define NETD_ASIO_H_

#include <asio/basic_waitable_timer.hpp>
#include <asio/buffer.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/posix/basic_stream_descriptor.hpp>
#include <asio/post.hpp>
#include <chrono>

namespace netd {

// A descriptor to wait for; it is read and written with system calls directly.
using Descriptor = asio::posix::basic_stream_descriptor<asio::io_context::executor_type>;

using Timer = asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>,
                                         asio::io_context::executor_type>;

}  // namespace netd

#endif  // NETD_ASIO_H_
