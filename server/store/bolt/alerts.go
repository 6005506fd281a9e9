// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/alert/wire"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

// Accept stores the alerts and their deliveries, all in one frame of the log, and returns a verdict for each. Everything
// is encoded before the appender is asked.
func (s *Store) Accept(ctx context.Context, batch []intake.Acceptance) ([]intake.Verdict, error) {
	if len(batch) == 0 {
		return []intake.Verdict{}, ctx.Err()
	}
	if err := checkKeys(batch); err != nil {
		return nil, err
	}
	records, err := encodeAcceptances(batch)
	if err != nil {
		return nil, err
	}
	a := &acceptance{batch: batch, records: records, verdicts: make([]intake.Verdict, len(batch))}
	op := &logged{acceptance: a, operation: operation{size: records.size(), done: make(chan error, 1)}}
	if err := s.append(ctx, op); err != nil {
		return nil, err
	}
	return a.verdicts, nil
}

// checkKeys refuses what could not be put into the database later.
func checkKeys(batch []intake.Acceptance) error {
	for i := range batch {
		if err := checkKey("/alert_id", batch[i].Record.AlertID); err != nil {
			return err
		}
		for n := range batch[i].Deliveries {
			if d := &batch[i].Deliveries[n]; len(d.DestinationID) > maxDestinationID {
				return fmt.Errorf("delivery %s: the destination's id is longer than %d bytes", d.ID, maxDestinationID)
			}
		}
	}
	return nil
}

// acceptAll stores the new ones of a logged acceptance.
func (t *tx) acceptAll(a *acceptance) error {
	left := a.records
	for i := range a.batch {
		one := &a.batch[i]
		body, deliveries := left.next(), left.take(len(one.Deliveries))
		if a.verdicts[i].Duplicate {
			continue
		}
		if err := t.put(bucketAlerts, one.Record.Key[:], body); err != nil {
			return err
		}
		if err := t.put(bucketAlertIDs, []byte(one.Record.AlertID), one.Record.Key[:]); err != nil {
			return err
		}
		t.touch()
		for n := range one.Deliveries {
			t.fresh.add(&one.Deliveries[n], deliveries.next())
		}
	}
	return nil
}

// repeated is the verdict on an alert whose id is there already. That the one there cannot be read is no error of the
// transaction, in which others take part.
func (t *tx) repeated(key delivery.Key, alertID string) intake.Verdict {
	stored, err := t.alert(key)
	if err != nil {
		return intake.Verdict{Duplicate: true, Stored: intake.Record{Key: key, AlertID: alertID}, Err: err}
	}
	stored.Body = bytes.Clone(stored.Body)
	return intake.Verdict{Duplicate: true, Stored: stored}
}

// promise stores new deliveries, some of them claimed.
func (t *tx) promise(deliveries []delivery.Delivery, claimed []bool, records values) error {
	for i := range deliveries {
		d := &deliveries[i]
		if i < len(claimed) && claimed[i] {
			t.claim(d.ID)
		}
		if err := t.enter(nil, d, records.next()); err != nil {
			return err
		}
	}
	return nil
}

// Dispatch adds deliveries to a stored alert.
func (s *Store) Dispatch(ctx context.Context, alertID string, add func(r intake.Record, next uint16) (intake.Dispatch, error)) error {
	return s.update(ctx, 4<<10, func(t *tx) error {
		record, err := t.alertByID(alertID)
		if err != nil {
			return err
		}
		record.Body = bytes.Clone(record.Body)
		next, full := t.nextNumber(record.Key)
		if full {
			return tooMany(alertID)
		}
		dispatch, err := add(record, next)
		if err != nil {
			return err
		}
		if int(next)+len(dispatch.Deliveries) > delivery.MaxPerAlert {
			return tooMany(alertID)
		}
		for i, d := range dispatch.Deliveries {
			if want := delivery.NewID(record.Key, next+uint16(i)); d.ID != want {
				return fmt.Errorf("dispatch of alert %s: a delivery is numbered %s where %s is next", alertID, d.ID, want)
			}
		}
		records, err := encodeDeliveries(dispatch.Deliveries)
		if err != nil {
			return err
		}
		return t.promise(dispatch.Deliveries, dispatch.Claimed, records)
	})
}

func tooMany(alertID string) error {
	return problem.New(problem.Invalid, "alert %s would have more than %d deliveries", alertID, delivery.MaxPerAlert)
}

// nextNumber returns the number an alert's next delivery has; full says that there is none left.
func (t *tx) nextNumber(key delivery.Key) (next uint16, full bool) {
	last := delivery.NewID(key, delivery.MaxPerAlert-1)
	c := t.Bucket(bucketDeliveries).Cursor()
	found, _ := c.Seek(last[:])
	if bytes.Equal(found, last[:]) {
		return 0, true
	}
	if found == nil {
		found, _ = c.Last()
	} else {
		found, _ = c.Prev()
	}
	if !bytes.HasPrefix(found, key[:]) {
		return 0, false
	}
	return delivery.ID(found).Number() + 1, false
}

// Alert returns a stored alert with all its deliveries by number, or problem.NotFound.
func (s *Store) Alert(ctx context.Context, alertID string) (intake.Record, []delivery.Delivery, error) {
	var record intake.Record
	var deliveries []delivery.Delivery
	err := s.view(ctx, func(t *tx) (err error) {
		if record, err = t.alertByID(alertID); err != nil {
			return err
		}
		record.Body = bytes.Clone(record.Body)
		deliveries, err = t.deliveriesOf(record.Key)
		return err
	})
	if err != nil {
		return intake.Record{}, nil, err
	}
	return record, deliveries, nil
}

// alert returns the alert under a key; its body is good for as long as the transaction.
func (t *tx) alert(key delivery.Key) (intake.Record, error) {
	value := t.get(bucketAlerts, key[:])
	if value == nil {
		return intake.Record{}, fmt.Errorf("alert %x is missing", key)
	}
	return decodeAlert(key, value)
}

func (t *tx) alertByID(alertID string) (intake.Record, error) {
	key := t.get(bucketAlertIDs, []byte(alertID))
	if key == nil {
		return intake.Record{}, problem.New(problem.NotFound, "there is no alert %s", alertID)
	}
	return t.alert(delivery.Key(key))
}

func (t *tx) deliveriesOf(key delivery.Key) ([]delivery.Delivery, error) {
	var list []delivery.Delivery
	c := t.Bucket(bucketDeliveries).Cursor()
	for id, value := c.Seek(key[:]); bytes.HasPrefix(id, key[:]); id, value = c.Next() {
		d, err := t.decode(delivery.ID(id), value)
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, nil
}

// parse reads the body of a stored alert. One sent without an id has the one it was given.
func parse(r *intake.Record) (*alert.Alert, error) {
	a, err := wire.Parse(r.Body)
	if err != nil {
		return nil, err
	}
	a.ID = r.AlertID
	return a, nil
}

// values are encoded records, one after the other.
type values struct {
	data []byte
	ends []int // where in data each ends
	from int
}

func (v *values) size() int { return len(v.data) + 256*len(v.ends) }

// add appends a copy of a record.
func (v *values) add(record []byte) {
	v.data = append(v.data, record...)
	v.ends = append(v.ends, len(v.data))
}

func (v *values) next() []byte {
	value := v.data[v.from:v.ends[0]:v.ends[0]]
	v.from, v.ends = v.ends[0], v.ends[1:]
	return value
}

// take splits off the next n.
func (v *values) take(n int) values {
	taken := values{data: v.data, ends: v.ends[:n], from: v.from}
	if n > 0 {
		v.from, v.ends = v.ends[n-1], v.ends[n:]
	}
	return taken
}

func encodeAcceptances(batch []intake.Acceptance) (values, error) {
	var b bytes.Buffer
	size, count := 0, 0
	for i := range batch {
		size += roomFor(&batch[i])
		count += 1 + len(batch[i].Deliveries)
	}
	b.Grow(size)
	ends := make([]int, 0, count)
	for i := range batch {
		if err := encodeAlert(&b, &batch[i].Record); err != nil {
			return values{}, err
		}
		ends = append(ends, b.Len())
		for j := range batch[i].Deliveries {
			if err := encodeDelivery(&b, &batch[i].Deliveries[j]); err != nil {
				return values{}, err
			}
			ends = append(ends, b.Len())
		}
	}
	return values{data: b.Bytes(), ends: ends}, nil
}

// roomFor is about how many bytes an acceptance takes, and rarely less: they stay in memory until they are in the
// database.
func roomFor(a *intake.Acceptance) int {
	size := 96 + len(a.Record.AlertID) + len(a.Record.Body)
	for i := range a.Record.Route.Destinations {
		c := &a.Record.Route.Destinations[i]
		size += 16 + len(c.ID) + len(c.DisplayName) + len(c.Type)
	}
	for i := range a.Record.Route.Warnings {
		w := &a.Record.Route.Warnings[i]
		size += 16 + len(w.Code) + len(w.Message)
	}
	for i := range a.Deliveries {
		d := &a.Deliveries[i]
		size += 96 + len(d.AlertID) + len(d.DestinationID) + len(d.FallbackOf)
	}
	return size
}

func encodeDeliveries(list []delivery.Delivery) (values, error) {
	var b bytes.Buffer
	b.Grow(256 * len(list))
	ends := make([]int, 0, len(list))
	for i := range list {
		if err := encodeDelivery(&b, &list[i]); err != nil {
			return values{}, err
		}
		ends = append(ends, b.Len())
	}
	return values{data: slices.Clip(b.Bytes()), ends: ends}, nil
}
