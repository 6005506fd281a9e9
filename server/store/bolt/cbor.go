// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"encoding/binary"
	"math"
)

// The records that there are of every alert are written by hand, since reflection costs most of what writing one does.
// What is written is, byte for byte, what the library writes by the tags, and the library reads it.

// The major types of https://www.rfc-editor.org/rfc/rfc8949#section-3.1, and two simple values.
const (
	cborUnsigned = 0 << 5
	cborNegative = 1 << 5
	cborBytes    = 2 << 5
	cborText     = 3 << 5
	cborList     = 4 << 5
	cborMap      = 5 << 5
	cborTrue     = 0xf5
	cborNull     = 0xf6
)

// members is a record being written: a map of at most 23 members, whose names are numbers below 24.
type members struct {
	data []byte
	at   int // of the byte in data that counts them
}

// begin begins a record behind data.
func begin(data []byte) members { return members{data: append(data, cborMap), at: len(data)} }

func (m *members) name(n byte) {
	m.data[m.at]++
	m.data = append(m.data, cborUnsigned|n)
}

func (m *members) text(n byte, text string) {
	m.name(n)
	m.data = append(appendHead(m.data, cborText, uint64(len(text))), text...)
}

func (m *members) bytes(n byte, data []byte) {
	m.name(n)
	m.data = append(appendHead(m.data, cborBytes, uint64(len(data))), data...)
}

func (m *members) number(n byte, v int64) {
	m.name(n)
	if v < 0 {
		m.data = appendHead(m.data, cborNegative, uint64(-1-v))
		return
	}
	m.data = appendHead(m.data, cborUnsigned, uint64(v))
}

// someText, someNumber and someTrue leave out what is zero.
func (m *members) someText(n byte, text string) {
	if text != "" {
		m.text(n, text)
	}
}

func (m *members) someNumber(n byte, v int64) {
	if v != 0 {
		m.number(n, v)
	}
}

func (m *members) someTrue(n byte, v bool) {
	if v {
		m.name(n)
		m.data = append(m.data, cborTrue)
	}
}

// list writes a list of records.
func list[T any](m *members, n byte, items []T, one func(data []byte, item *T) []byte) {
	m.name(n)
	if items == nil {
		m.data = append(m.data, cborNull)
		return
	}
	m.data = appendHead(m.data, cborList, uint64(len(items)))
	for i := range items {
		m.data = one(m.data, &items[i])
	}
}

// appendHead writes a type and a number, in as few bytes as it takes.
func appendHead(data []byte, major byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(data, major|byte(n))
	case n <= math.MaxUint8:
		return append(data, major|24, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(data, major|25), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(data, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(data, major|27), n)
}

func appendAlertHead(data []byte, h *alertHead) []byte {
	m := begin(data)
	m.text(1, h.AlertID)
	m.number(2, h.AcceptedAt)
	m.bytes(3, h.Digest)
	m.text(4, string(h.Scenario))
	m.text(5, string(h.Severity))
	list(&m, 6, h.Chosen, appendChosen)
	list(&m, 7, h.Warnings, appendWarning)
	return m.data
}

func appendChosen(data []byte, c *chosen) []byte {
	m := begin(data)
	m.text(1, c.ID)
	m.text(2, c.DisplayName)
	m.text(3, c.Type)
	return m.data
}

func appendWarning(data []byte, w *warning) []byte {
	m := begin(data)
	m.text(1, string(w.Code))
	m.text(2, w.Message)
	return m.data
}

func appendDelivery(data []byte, r *deliveryRecord) []byte {
	m := begin(data)
	m.text(1, r.AlertID)
	m.text(2, r.DestinationID)
	m.text(3, string(r.State))
	m.someText(4, string(r.Reason))
	m.someText(5, string(r.Cause))
	m.someText(6, r.FallbackOf)
	m.someNumber(7, r.CreatedAt)
	m.someNumber(8, r.Since)
	m.someNumber(9, r.NextAttemptAt)
	m.someNumber(10, r.SettledAt)
	if len(r.Attempts) > 0 {
		list(&m, 11, r.Attempts, appendAttempt)
	}
	m.someNumber(12, int64(r.Dropped))
	m.someNumber(13, r.FallbackAt)
	return m.data
}

func appendAttempt(data []byte, a *attemptRecord) []byte {
	m := begin(data)
	m.someNumber(1, a.At)
	m.someNumber(2, int64(a.Duration))
	m.someText(3, string(a.Outcome))
	m.someNumber(4, int64(a.StatusCode))
	m.someText(5, a.Message)
	m.someText(6, a.ExternalID)
	m.someText(7, a.ExternalURL)
	m.someTrue(8, a.Truncated)
	return m.data
}

func appendSettlement(data []byte, r *settlementRecord) []byte {
	m := begin(data)
	m.bytes(1, r.ID)
	m.name(2)
	m.data = appendAttempt(m.data, &r.Attempt)
	m.text(3, string(r.State))
	m.someText(4, string(r.Reason))
	m.someNumber(5, r.NextAttemptAt)
	m.someNumber(6, r.SettledAt)
	m.someText(7, r.FallbackTo)
	m.someNumber(8, int64(r.FallbackAfter))
	return m.data
}
