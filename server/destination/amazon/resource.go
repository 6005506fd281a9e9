// SPDX-License-Identifier: MPL-2.0

package amazon

import (
	"net/url"
	"regexp"
	"strings"
)

// region matches the name of a region: us-east-1, us-gov-west-1, eusc-de-east-1.
var region = regexp.MustCompile(`^` + regionForm + `$`)

const regionForm = `[a-z]{2,8}(?:-[a-z]{2,16}){1,3}-[1-9][0-9]?`

// fifo ends the name of what is first in, first out.
const fifo = ".fifo"

// topicARN has the form of https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html, in any partition: aws,
// aws-cn, aws-us-gov, aws-iso, aws-eusc.
var topicARN = regexp.MustCompile(`^arn:aws(?:-[a-z]+)*:sns:(` + regionForm + `):\d{12}:([A-Za-z0-9_-]{1,256}(?:\.fifo)?)$`)

const maxTopicName = 256

// Topic is what the ARN of a topic says.
type Topic struct {
	Region string
	FIFO   bool
}

// ParseTopic reads the ARN of a topic; ok is false when it is none.
func ParseTopic(arn string) (t Topic, ok bool) {
	parts := topicARN.FindStringSubmatch(arn)
	if parts == nil || len(parts[2]) > maxTopicName {
		return Topic{}, false
	}
	return Topic{Region: parts[1], FIFO: strings.HasSuffix(arn, fifo)}, true
}

// Queue is what the URL of a queue says.
type Queue struct {
	Region   string // "" where the URL does not name it
	FIFO     bool
	Endpoint string // where the queue is called; "": AWS's usual endpoint of the region
}

// queueName has the form of https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html.
var queueName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}(?:\.fifo)?$`)

const maxQueueName = 80 // with the suffix

// legacyHost is a form of address that queues had once, and that some URLs still have. It is not called: it does not
// speak today's protocol. https://docs.aws.amazon.com/general/latest/gr/sqs-service.html
var legacyHost = regexp.MustCompile(`^(?:(` + regionForm + `)\.)?queue\.amazonaws\.com(?:\.cn)?$`)

// ParseQueue reads the URL of a queue, which the caller has found to be a URL that can be called; ok is false when it is
// none of a queue.
func ParseQueue(address string) (q Queue, ok bool) {
	u, err := url.Parse(address)
	if err != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return Queue{}, false
	}
	_, name, below := strings.Cut(strings.TrimPrefix(u.EscapedPath(), "/"), "/") // the first part is the account
	name = name[strings.LastIndexByte(name, '/')+1:]
	if !below || len(name) > maxQueueName || !queueName.MatchString(name) {
		return Queue{}, false
	}
	q = Queue{FIFO: strings.HasSuffix(name, fifo)}
	host := strings.ToLower(u.Hostname())
	if parts := legacyHost.FindStringSubmatch(host); parts != nil {
		q.Region = parts[1]
		if q.Region == "" {
			q.Region = "us-east-1" // the only one whose host does not name it
		}
		return q, true
	}
	q.Region, q.Endpoint = regionOf(host), u.Scheme+"://"+u.Host
	return q, true
}

// regionOf finds the region in a host such as sqs.us-east-1.amazonaws.com, sqs-fips.us-east-1.api.aws or
// vpce-1a2b-3c4d.sqs.us-east-1.vpce.amazonaws.com, and "" in others.
func regionOf(host string) string {
	labels := strings.Split(host, ".")
	for i, label := range labels[:len(labels)-1] {
		if (label == "sqs" || label == "sqs-fips") && region.MatchString(labels[i+1]) {
			return labels[i+1]
		}
	}
	return ""
}
