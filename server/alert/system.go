// SPDX-License-Identifier: MPL-2.0

package alert

// The detections behind the alerts that the router raises about itself. They are of type [SystemError].
const (
	DeliveryFailed       = "AlertRouter.DeliveryFailed"
	DestinationUnhealthy = "AlertRouter.DestinationUnhealthy"
	StoreDegraded        = "AlertRouter.StoreDegraded"
)

// AboutRouter reports whether an alert is one that the router raises about itself, going by what it says. What becomes
// of such an alert raises no other.
//
// A detection engine can send one that says so too, and gains nothing by it: its alert goes where every SYSTEM_ERROR
// goes, less the one destination it names as its subject, and that its own delivery failed is counted and listed but
// not raised. What only the router may do, such as passing a full backlog, does not go by this.
func (a *Alert) AboutRouter() bool {
	if a.Type != SystemError {
		return false
	}
	switch a.Detection.ID {
	case DeliveryFailed, DestinationUnhealthy, StoreDegraded:
		return true
	}
	return false
}

// Subject returns the id of the destination that a system alert of the router is about, and "" for every other alert.
// Such an alert is never routed there: its dedup is that id.
func (a *Alert) Subject() string {
	if !a.AboutRouter() || a.Detection.ID == StoreDegraded {
		return ""
	}
	return a.Dedup
}
