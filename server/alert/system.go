// SPDX-License-Identifier: MPL-2.0

package alert

// The detections behind the alerts that the router raises about itself. They are of type [SystemError].
const (
	DeliveryFailed       = "AlertRouter.DeliveryFailed"
	DestinationUnhealthy = "AlertRouter.DestinationUnhealthy"
	StoreDegraded        = "AlertRouter.StoreDegraded"
)

// Subject returns the id of the destination that a system alert of the router is about, and "" for every other alert.
// Such an alert is never sent there: its dedup is that id.
func (a *Alert) Subject() string {
	if a.Type != SystemError || a.Detection.ID != DeliveryFailed && a.Detection.ID != DestinationUnhealthy {
		return ""
	}
	return a.Dedup
}
