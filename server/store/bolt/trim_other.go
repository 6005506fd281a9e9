// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package bolt

import (
	"time"

	"go.etcd.io/bbolt"
)

const trimEvery = time.Hour

func (s *Store) trim() {}

func (s *Store) trimIn(*bbolt.Tx) {}
