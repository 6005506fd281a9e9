// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"bytes"
	"context"
	"encoding/hex"
	"slices"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
)

// Delivery returns one delivery, or problem.NotFound.
func (s *Store) Delivery(ctx context.Context, id delivery.ID) (delivery.Delivery, error) {
	var found delivery.Delivery
	err := s.view(ctx, func(t *tx) error {
		d, err := t.delivery(id)
		if err != nil {
			return err
		}
		if d == nil {
			return noDelivery(id)
		}
		found = *d
		return nil
	})
	return found, err
}

// Deliveries returns deliveries, newest first: in the order of their IDs. A page may be short, even empty, and still
// have a cursor, when the filter picks few of many.
func (s *Store) Deliveries(ctx context.Context, f delivery.Filter, cursor string, limit int) ([]delivery.Delivery, string, error) {
	bound, err := decodeCursor(cursor, len(delivery.ID{}))
	if err != nil {
		return nil, "", err
	}
	p := page[delivery.Delivery]{limit: limit, scan: s.scan}
	err = s.view(ctx, func(t *tx) error {
		if f.AlertID != "" {
			return t.listOfAlert(ctx, f, bound, &p)
		}
		if !f.Until.IsZero() {
			bound = smaller(bound, keyAt(f.Until.Add(clockSlack))) // nothing is promised before its alert is there
		}
		switch {
		case f.DestinationID != "" && onlyOpen(f.States):
			return t.listOpen(ctx, f, bound, &p)
		case onlyFailed(f.States):
			return t.listFailed(ctx, f, bound, &p)
		}
		return t.listDeliveries(ctx, f, bound, nil, &p)
	})
	return p.items, p.cursor, err
}

// listDeliveries looks at every delivery below bound, down to floor.
func (t *tx) listDeliveries(ctx context.Context, f delivery.Filter, bound, floor []byte, p *page[delivery.Delivery]) error {
	for key, value := range t.backwards(bucketDeliveries, bound, floor) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !p.look(key, t.read) {
			return nil
		}
		d, err := t.decode(delivery.ID(key), value)
		if err != nil {
			t.leaveOut(bucketDeliveries, hex.EncodeToString(key), err)
			continue
		}
		if f.Matches(&d) && !p.add(key, d) {
			return nil
		}
	}
	return nil
}

func (t *tx) listOfAlert(ctx context.Context, f delivery.Filter, bound []byte, p *page[delivery.Delivery]) error {
	key := t.get(bucketAlertIDs, []byte(f.AlertID))
	if key == nil {
		return nil
	}
	p.scan = delivery.MaxPerAlert
	end := append(bytes.Clone(key), 0xff, 0xff, 0)
	return t.listDeliveries(ctx, f, smaller(bound, end), key, p)
}

func (t *tx) listOpen(ctx context.Context, f delivery.Filter, bound []byte, p *page[delivery.Delivery]) error {
	keys, err := t.open(ctx, f.DestinationID, f.States, bound, p.limit+1, len(delivery.ID{}))
	if err != nil {
		return err
	}
	for _, key := range keys {
		if !p.look(key, t.read) || !t.listDelivery(f, delivery.ID(key), p) {
			return nil
		}
	}
	if len(keys) > p.limit {
		p.cursor = encodeCursor(keys[p.limit])
	}
	return nil
}

func (t *tx) listFailed(ctx context.Context, f delivery.Filter, bound []byte, p *page[delivery.Delivery]) error {
	count := 0
	for key, destinationID := range t.backwards(bucketFailed, bound, nil) {
		if count++; count%checkEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if f.DestinationID != "" && f.DestinationID != string(destinationID) {
			continue
		}
		if !p.look(key, t.read) || !t.listDelivery(f, delivery.ID(key), p) {
			return nil
		}
	}
	return nil
}

// listDelivery adds a delivery if it is there and f picks it; false ends the page.
func (t *tx) listDelivery(f delivery.Filter, id delivery.ID, p *page[delivery.Delivery]) bool {
	d, err := t.delivery(id)
	if err != nil {
		t.leaveOut(bucketDeliveries, id.String(), err)
		return true
	}
	return d == nil || !f.Matches(d) || p.add(id[:], *d)
}

// Alerts returns stored alerts, newest first: in the order of their keys. As with Deliveries, a page may be short.
func (s *Store) Alerts(ctx context.Context, f intake.Filter, cursor string, limit int) ([]intake.Listed, string, error) {
	bound, err := decodeCursor(cursor, len(delivery.Key{}))
	if err != nil {
		return nil, "", err
	}
	p := page[intake.Listed]{limit: limit, scan: s.scan}
	err = s.view(ctx, func(t *tx) error {
		var floor []byte
		if !f.Until.IsZero() {
			bound = smaller(bound, keyAt(f.Until.Add(clockSlack)))
		}
		if !f.Since.IsZero() {
			floor = keyAt(f.Since.Add(-clockSlack))
		}
		if f.DestinationID != "" && onlyOpen(f.States) {
			return t.listAlertsOpen(ctx, f, bound, &p)
		}
		return t.listAlerts(ctx, f, bound, floor, &p)
	})
	return p.items, p.cursor, err
}

// listAlerts looks at every alert below bound, down to floor, or only at those with a FAILED delivery.
func (t *tx) listAlerts(ctx context.Context, f intake.Filter, bound, floor []byte, p *page[intake.Listed]) error {
	bucket := bucketAlerts
	if onlyFailed(f.States) {
		bucket = bucketFailed
	}
	for key := range t.backwards(bucket, bound, floor) {
		if err := ctx.Err(); err != nil {
			return err
		}
		key = key[:len(delivery.Key{})]
		if bytes.Equal(key, p.seen) {
			continue // its other FAILED deliveries
		}
		if !p.look(key, t.read) || !t.listAlert(f, delivery.Key(key), p) {
			return nil
		}
	}
	return nil
}

func (t *tx) listAlertsOpen(ctx context.Context, f intake.Filter, bound []byte, p *page[intake.Listed]) error {
	keys, err := t.open(ctx, f.DestinationID, f.States, bound, p.limit+1, len(delivery.Key{}))
	if err != nil {
		return err
	}
	for _, key := range keys {
		if !p.look(key, t.read) || !t.listAlert(f, delivery.Key(key), p) {
			return nil
		}
	}
	if len(keys) > p.limit {
		p.cursor = encodeCursor(keys[p.limit])
	}
	return nil
}

// listAlert adds an alert if f picks it; false ends the page.
func (t *tx) listAlert(f intake.Filter, key delivery.Key, p *page[intake.Listed]) bool {
	listed, ok, err := t.listed(key, f)
	if err != nil {
		t.leaveOut(bucketAlerts, hex.EncodeToString(key[:]), err)
		return true
	}
	return !ok || p.add(key[:], listed)
}

// listed reads an alert and reports whether f picks it, asking the cheapest questions first.
func (t *tx) listed(key delivery.Key, f intake.Filter) (intake.Listed, bool, error) {
	record, err := t.alert(key)
	if err != nil {
		return intake.Listed{}, false, err
	}
	if (!f.Since.IsZero() && record.AcceptedAt.Before(f.Since)) ||
		(!f.Until.IsZero() && !record.AcceptedAt.Before(f.Until)) ||
		!among(f.Severities, record.Route.Severity) || !among(f.Scenarios, record.Route.Scenario) {
		return intake.Listed{}, false, nil
	}
	deliveries, err := t.deliveriesOf(key)
	if err != nil {
		return intake.Listed{}, false, err
	}
	if (f.DestinationID != "" || len(f.States) > 0) && !slices.ContainsFunc(deliveries, func(d delivery.Delivery) bool {
		return (f.DestinationID == "" || d.DestinationID == f.DestinationID) && among(f.States, d.State)
	}) {
		return intake.Listed{}, false, nil
	}
	t.read += len(record.Body)
	a, err := parse(&record)
	if err != nil { // damaged: still worth showing
		a = &alert.Alert{ID: record.AlertID}
	}
	if !among(f.Types, a.Type) || (f.DetectionID != "" && f.DetectionID != a.Detection.ID) {
		return intake.Listed{}, false, nil
	}
	record.Body = nil // memory of the transaction, and too large to copy for a list
	return intake.Listed{Record: record, Alert: a, Deliveries: deliveries}, true, nil
}

// among reports whether a filter lets v pass; an empty one lets all.
func among[T comparable](filter []T, v T) bool { return len(filter) == 0 || slices.Contains(filter, v) }
