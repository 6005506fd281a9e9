// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/alertrouter/terraform-provider-alertrouter/server/auth"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/registry"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
)

// maxFindings is how many inconsistencies a look at a store reports.
const maxFindings = 50

// ErrRecords marks a store whose pages are sound, while some records or index entries are not. A server can use it: it
// leaves out what it cannot read.
var ErrRecords = errors.New("records are damaged")

// Contents counts what a store holds.
type Contents struct {
	Bytes        int64 `json:"bytes"` // of the file
	Destinations int   `json:"destinations"`
	Alerts       int   `json:"alerts"`
	Deliveries   int   `json:"deliveries"`
	Open         int   `json:"open_deliveries"`
}

// Verify looks at every page and every record, and reports what does not fit together: pages used twice, records that
// cannot be read or whose digest is another, records without their index entries and entries without their records.
// It is meant for tests and for stores that nobody uses: the writer waits while the pages are looked at.
func (s *Store) Verify(ctx context.Context) error {
	var pages error
	// The list of free pages is the writer's.
	if err := s.update(ctx, 0, func(t *tx) error { pages = checkPages(ctx, t.Tx); return nil }); err != nil {
		return err
	}
	return errors.Join(pages, s.view(ctx, func(t *tx) error {
		_, err := checkRecords(ctx, t.Tx)
		return err
	}))
}

// checkPages has bbolt look at how pages lead to each other.
func checkPages(ctx context.Context, t *bbolt.Tx) error {
	var f findings
	for err := range t.Check() { // to its end, which frees its goroutine
		f.add("page", nil, err)
	}
	return errors.Join(ctx.Err(), f.err())
}

// findings collects what is wrong, up to a limit.
type findings struct {
	list []error
	more int
}

func (f *findings) add(bucket string, key []byte, err error) {
	switch {
	case err == nil:
	case len(f.list) == maxFindings:
		f.more++
	case key == nil:
		f.list = append(f.list, fmt.Errorf("%s: %w", bucket, err))
	default:
		f.list = append(f.list, fmt.Errorf("%s %s: %w", bucket, name(key), err))
	}
}

// name shows a key: as it is when it is text, else in hexadecimal.
func name(key []byte) string {
	for _, c := range key {
		if c < ' ' || c > '~' {
			return hex.EncodeToString(key)
		}
	}
	return string(key)
}

func (f *findings) err() error {
	if f.more > 0 {
		return errors.Join(append(f.list, fmt.Errorf("and %d more", f.more))...)
	}
	return errors.Join(f.list...)
}

// A check is one look at all records, in one transaction.
type check struct {
	*bbolt.Tx
	findings
	contents Contents
}

// checkRecords looks at every record, and at every entry of the indexes.
func checkRecords(ctx context.Context, t *bbolt.Tx) (Contents, error) {
	c := check{Tx: t, contents: Contents{Bytes: t.Size()}}
	for _, bucket := range buckets {
		if t.Bucket(bucket) == nil {
			return c.contents, fmt.Errorf("there is no bucket %s", bucket)
		}
	}
	for _, part := range []struct {
		bucket []byte
		look   func(key, value []byte) error
	}{
		{bucketAlerts, c.alert},
		{bucketAlertIDs, c.alertID},
		{bucketDeliveries, c.delivery},
		{bucketDue, c.due},
		{bucketFailed, c.failed},
		{bucketFallbacks, c.fallback},
		{bucketDestinations, c.destination},
		{bucketNames, c.destinationName},
		{bucketOverrides, decodes[route.Override]},
		{bucketTokens, decodes[auth.Token]},
		{bucketTests, decodes[registry.TestOutcome]},
	} {
		count := 0
		err := t.Bucket(part.bucket).ForEach(func(key, value []byte) error {
			if count++; count%checkEvery == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			c.add(string(part.bucket), key, part.look(key, value))
			return nil
		})
		if err != nil {
			return c.contents, err
		}
	}
	if err := c.err(); err != nil {
		return c.contents, fmt.Errorf("%w: %w", ErrRecords, err)
	}
	return c.contents, nil
}

func (c *check) get(bucket, key []byte) []byte { return c.Bucket(bucket).Get(key) }

func (c *check) alert(key, value []byte) error {
	c.contents.Alerts++
	if len(key) != len(delivery.Key{}) {
		return errors.New("its key has another length")
	}
	r, err := decodeAlert(delivery.Key(key), value)
	if err != nil {
		return err
	}
	if intake.DigestOf(r.Body) != r.Digest {
		return errors.New("its body is not the one that was accepted: the digest differs")
	}
	if !bytes.Equal(c.get(bucketAlertIDs, []byte(r.AlertID)), key) {
		return fmt.Errorf("its id %q does not lead to it", r.AlertID)
	}
	return nil
}

func (c *check) alertID(id, key []byte) error {
	value := c.get(bucketAlerts, key)
	if value == nil || len(key) != len(delivery.Key{}) {
		return errors.New("it leads to no alert")
	}
	if r, err := decodeAlert(delivery.Key(key), value); err == nil && r.AlertID != string(id) {
		return fmt.Errorf("it leads to the alert %q", r.AlertID)
	}
	return nil
}

func (c *check) delivery(key, value []byte) error {
	c.contents.Deliveries++
	if len(key) != len(delivery.ID{}) {
		return errors.New("its key has another length")
	}
	id := delivery.ID(key)
	d, err := decodeDelivery(id, value)
	if err != nil {
		return err
	}
	alertKey := id.Alert()
	stored := c.get(bucketAlerts, alertKey[:])
	if stored == nil {
		return errors.New("its alert is missing")
	}
	if r, err := decodeAlert(alertKey, stored); err == nil && r.AlertID != d.AlertID {
		return fmt.Errorf("it is of the alert %q, and its key of %q", d.AlertID, r.AlertID)
	}
	switch {
	case d.State.Open():
		c.contents.Open++
		if !bytes.Equal(c.get(bucketDue, dueKeyOf(&d)), dueValue(d.State)) {
			return fmt.Errorf("it is %s and not in the index of what is due", d.State)
		}
		if !d.FallbackAt.IsZero() && c.get(bucketFallbacks, fallbackKey(&d)) == nil {
			return errors.New("it waits for a fallback and is not in the index of those")
		}
	case d.State == delivery.Failed:
		if to := c.get(bucketFailed, key); to == nil || string(to) != d.DestinationID {
			return errors.New("it is FAILED and not in the index of those")
		}
	case d.State != delivery.Delivered:
		return fmt.Errorf("%q is no state", d.State)
	}
	return nil
}

// owner returns the delivery that an index entry stands for.
func (c *check) owner(id []byte) (*delivery.Delivery, error) {
	value := c.get(bucketDeliveries, id)
	if value == nil || len(id) != len(delivery.ID{}) {
		return nil, errors.New("it leads to no delivery")
	}
	d, err := decodeDelivery(delivery.ID(id), value)
	return &d, err
}

func (c *check) due(key, value []byte) error {
	_, e, err := readDue(key, value)
	if err != nil {
		return err
	}
	d, err := c.owner(e.id[:])
	if err == nil && (!d.State.Open() || !bytes.Equal(dueKeyOf(d), key)) {
		err = fmt.Errorf("its delivery is %s and not due then", d.State)
	}
	return err
}

func (c *check) failed(key, _ []byte) error {
	d, err := c.owner(key)
	if err == nil && d.State != delivery.Failed {
		err = fmt.Errorf("its delivery is %s", d.State)
	}
	return err
}

func (c *check) fallback(key, _ []byte) error {
	d, err := c.owner(key[min(len(key), 8):])
	if err == nil && (!d.State.Open() || !bytes.Equal(fallbackKey(d), key)) {
		err = fmt.Errorf("its delivery is %s and not given to a fallback then", d.State)
	}
	return err
}

func (c *check) destination(key, value []byte) error {
	c.contents.Destinations++
	d, err := decode[destination.Destination](value)
	switch {
	case err != nil:
		return err
	case d.ID != string(key):
		return fmt.Errorf("its id is %q", d.ID)
	case !bytes.Equal(c.get(bucketNames, []byte(destination.FoldName(d.DisplayName))), key):
		return fmt.Errorf("its name %q does not lead to it", d.DisplayName)
	}
	return nil
}

func (c *check) destinationName(_, id []byte) error {
	if c.get(bucketDestinations, id) == nil {
		return errors.New("it leads to no destination")
	}
	return nil
}

func decodes[T any](_, value []byte) error {
	_, err := decode[T](value)
	return err
}
