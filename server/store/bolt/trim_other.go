// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package bolt

import "time"

const trimEvery = time.Hour

func (s *Store) trim() {}
