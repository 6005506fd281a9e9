// SPDX-License-Identifier: MPL-2.0

package bolt

import "github.com/alertrouter/terraform-provider-alertrouter/server/delivery"

// fresh are the deliveries that a transaction is to store. Most of them are settled in the same transaction, and so are
// written once, as they ended, and never enter the index of what is due.
type fresh struct {
	list []freshDelivery
	at   map[delivery.ID]int
}

type freshDelivery struct {
	delivery.Delivery
	record  []byte // as it was accepted
	settled bool   // it has changed since
}

// reset returns f, empty, for the next transaction.
func (f *fresh) reset() fresh {
	clear(f.at)
	if f.at == nil {
		f.at = make(map[delivery.ID]int)
	}
	return fresh{list: f.list[:0], at: f.at}
}

func (f *fresh) add(d *delivery.Delivery, record []byte) {
	f.at[d.ID] = len(f.list)
	f.list = append(f.list, freshDelivery{Delivery: *d, record: record})
}

// find returns a delivery that is about to change; nil where there is none.
func (f *fresh) find(id delivery.ID) *delivery.Delivery {
	n, ok := f.at[id]
	if !ok {
		return nil
	}
	f.list[n].settled = true
	return &f.list[n].Delivery
}

// storeFresh stores the fresh deliveries, which are fresh no longer.
func (t *tx) storeFresh() error {
	for i := range t.fresh.list {
		one := &t.fresh.list[i]
		var err error
		if one.settled {
			err = t.replace(nil, &one.Delivery)
		} else {
			err = t.enter(nil, &one.Delivery, one.record)
		}
		if err != nil {
			return err
		}
	}
	clear(t.fresh.at)
	clear(t.fresh.list)
	t.fresh.list = t.fresh.list[:0]
	return nil
}
