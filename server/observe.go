// SPDX-License-Identifier: MPL-2.0

package server

import (
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/registry"
)

// observers are told of deliveries one after the other.
type observers []delivery.Observer

func (all observers) Attempted(lane delivery.LaneConfig, a delivery.Attempt, sinceAccepted time.Duration) {
	for _, o := range all {
		o.Attempted(lane, a, sinceAccepted)
	}
}

func (all observers) Settled(lane delivery.LaneConfig, job delivery.Job, s delivery.Settlement) {
	for _, o := range all {
		o.Settled(lane, job, s)
	}
}

func (all observers) Unhealthy(lane delivery.LaneConfig, job delivery.Job, h delivery.Health) {
	for _, o := range all {
		o.Unhealthy(lane, job, h)
	}
}

// lanes are told of destinations. The first, whose work the others observe, is the last to learn of a new one and the
// first to learn of a deletion.
type lanes []registry.Lanes

func (all lanes) SetLane(c delivery.LaneConfig) {
	for i := len(all) - 1; i >= 0; i-- {
		all[i].SetLane(c)
	}
}

func (all lanes) RemoveLane(destinationID string) {
	for _, l := range all {
		l.RemoveLane(destinationID)
	}
}
