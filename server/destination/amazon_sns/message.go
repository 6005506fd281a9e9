// SPDX-License-Identifier: MPL-2.0

package amazonsns

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/amazon"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/payload"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// emailShare is the part of a message that may be the e-mail's text: a quarter. The rest is for programs.
const emailShare = 4

// message makes the call for an alert. cut tells whether something had to go to fit.
func (s *sender) message(m *destination.Message) (input *sns.PublishInput, cut bool) {
	attributes := amazon.Attributes(m)
	limit := s.config.MaxMessageBytes - amazon.SizeOf(attributes)
	input = &sns.PublishInput{
		TopicArn:          &s.config.TopicARN,
		Subject:           aws.String(subject(m)),
		MessageAttributes: map[string]types.MessageAttributeValue{},
	}
	for _, a := range attributes {
		input.MessageAttributes[a.Name] = types.MessageAttributeValue{DataType: aws.String(a.Type), StringValue: aws.String(a.Value)}
	}
	var text string
	if s.config.MessageStructure == structureJSON {
		text, cut = forEach(m, limit)
		input.MessageStructure = aws.String(structureJSON)
	} else {
		var body []byte
		body, cut = payload.Render(m, limit, amazon.JSONSize)
		text = amazon.CleanJSON(body)
	}
	input.Message = &text
	input.MessageGroupId, input.MessageDeduplicationId = s.config.IDs(m, s.topic.FIFO)
	return input, cut
}

// forEach writes the texts for the kinds of subscribers as the object that the structure json asks for. Those that are
// not named get the default, which is the alert as programs read it.
func forEach(m *destination.Message, limit int) (text string, cut bool) {
	people := append([]byte(nil), `,"email":`...)
	mail, cutMail := email(m, limit/emailShare)
	people, _ = jsontext.AppendQuote(people, mail) // all texts here are valid UTF-8
	people = append(people, `,"sms":`...)
	people, _ = jsontext.AppendQuote(people, sms(m))

	const frame = `{"default":""}`
	body, cutBody := payload.Render(m, limit-len(frame)-len(people), quotedSize)
	object := append([]byte(nil), `{"default":`...)
	object, _ = jsontext.AppendQuote(object, amazon.CleanJSON(body))
	object = append(append(object, people...), '}')
	return string(object), cutMail || cutBody
}

// quotedSize counts JSON in bytes as it stands inside a JSON string.
func quotedSize(r rune) int {
	if r == '\ufffe' || r == '\uffff' {
		return len(`\\ufffe`)
	}
	return render.JSON(r)
}

// parts is a call as JSON, under the names SNS has for its parts.
type parts struct {
	TopicArn               *string
	Subject                *string
	Message                *string
	MessageStructure       *string `json:",omitzero"`
	MessageAttributes      map[string]attribute
	MessageGroupId         *string `json:",omitzero"` //nolint:revive // the vendor's name
	MessageDeduplicationId *string `json:",omitzero"` //nolint:revive // the vendor's name
}

type attribute struct{ DataType, StringValue *string }

func partsOf(input *sns.PublishInput) parts {
	p := parts{
		TopicArn: input.TopicArn, Subject: input.Subject, Message: input.Message, MessageStructure: input.MessageStructure,
		MessageAttributes: map[string]attribute{}, MessageGroupId: input.MessageGroupId, MessageDeduplicationId: input.MessageDeduplicationId,
	}
	for name, a := range input.MessageAttributes {
		p.MessageAttributes[name] = attribute{DataType: a.DataType, StringValue: a.StringValue}
	}
	return p
}
