// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The library is the judge: both write the same bytes.
func TestCBOR_IsWhatTheLibraryWrites(t *testing.T) {
	t.Run("alert", func(t *testing.T) {
		writesTheSame(t, appendAlertHead, func(h *alertHead) { h.Digest = append([]byte{}, h.Digest...) })
	})
	t.Run("delivery", func(t *testing.T) { writesTheSame(t, appendDelivery, func(*deliveryRecord) {}) })
	t.Run("settlement", func(t *testing.T) {
		writesTheSame(t, appendSettlement, func(s *settlementRecord) { s.ID = append([]byte{}, s.ID...) })
	})
}

// writesTheSame compares for random records. mend makes of one a record that there may be: its bytes are never nil.
func writesTheSame[T any](t *testing.T, write func(data []byte, r *T) []byte, mend func(r *T)) {
	t.Helper()
	records := rapid.Make[T]()
	rapid.Check(t, func(t *rapid.T) {
		r := records.Draw(t, "record")
		mend(&r)
		same(t, write, &r)
	})
}

// What random records do not have: numbers and lengths at every width's edge, lists that are long, none or empty, and
// texts that are not UTF-8.
func TestCBOR_IsWhatTheLibraryWritesAtTheEdges(t *testing.T) {
	for _, n := range []int64{
		0, 1, 23, 24, math.MaxUint8, math.MaxUint8 + 1, math.MaxUint16, math.MaxUint16 + 1, math.MaxUint32, math.MaxUint32 + 1,
		math.MaxInt64, -1, -24, -25, -256, -257, -65536, -65537, -1 << 32, -1<<32 - 1, math.MinInt64,
	} {
		same(t, appendAttempt, &attemptRecord{At: n, StatusCode: int(n), Truncated: true})
	}
	for _, n := range []int{0, 1, 23, 24, 255, 256, 65535, 65536} {
		same(t, appendAlertHead, &alertHead{AlertID: strings.Repeat("\xff", n), Digest: make([]byte, n), Chosen: make([]chosen, n), Warnings: nil})
		same(t, appendDelivery, &deliveryRecord{Attempts: make([]attemptRecord, n)})
	}
}

func same[T any](t rapid.TB, write func(data []byte, r *T) []byte, r *T) {
	t.Helper()
	want := *bytes.NewBufferString("before")
	if err := encoding.MarshalToBuffer(r, &want); err != nil {
		t.Fatal(err)
	}
	if got := write([]byte("before"), r); !bytes.Equal(got, want.Bytes()) {
		t.Fatalf("of %T:\ngot  %.300x\nwant %.300x", *r, got, want.Bytes())
	}
}
