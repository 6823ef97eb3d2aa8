// Tells the service manager that started netd, if one did, about its progress: systemd's Type=notify.
#ifndef NETD_SERVICE_NOTICE_H_
#define NETD_SERVICE_NOTICE_H_

#include <string_view>

namespace netd {

// Sends `state` ("READY=1", "STOPPING=1") to the socket that NOTIFY_SOCKET names, if it is set: a path, or a name
// after '@'. Failures are ignored.
void notify_service_manager(std::string_view state);

}  // namespace netd

#endif  // NETD_SERVICE_NOTICE_H_
