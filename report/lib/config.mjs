// What a report is about: the configuration's file, checked against schema.json. An error names the key.

import { readFileSync } from 'node:fs';
import Ajv from 'ajv';

// A mistake of the caller's: told without a stack.
export class Mistake extends Error {}

const schema = JSON.parse(readFileSync(new URL('../schema.json', import.meta.url), 'utf8'));
const validate = new Ajv({ verbose: true }).compile(schema);

export const defaults = { title: 'Customers', zone: 'UTC', period: 'month', periods: 12, silence_days: 90, horizon: '1 year', margin: 1 };

const types = { string: 'a text', integer: 'a whole number', number: 'a number', object: 'an object', array: 'a list', boolean: 'true or false' };
const keyOf = pointer => pointer.slice(1).replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~');

function say({ keyword, instancePath, params, parentSchema, data, message }) {
	const key = keyOf(instancePath);
	const inKey = name => (key ? `${key}.${name}` : name);

	switch (keyword) {
	case 'required':
		return `${inKey(params.missingProperty)} is missing`;
	case 'additionalProperties':
		return `${inKey(params.additionalProperty)}: there is no such key; there are ${Object.keys(parentSchema.properties).join(', ')}`;
	case 'type':
		return `${key || 'the whole of it'} must be ${types[params.type]}`;
	case 'minLength':
		return `${key} is empty`;
	case 'pattern':
		return `${key}: ${JSON.stringify(data)} is not of the form ${parentSchema.examples.join(' or ')}`;
	default:
		return `${key} ${message}`;
	}
}

export function readConfig(file) {
	let text;
	let config;

	try {
		text = readFileSync(file, 'utf8');
	} catch (error) {
		throw new Mistake(`${file}: ${error.code === 'ENOENT' ? 'there is no such file' : error.message}`);
	}
	try {
		config = JSON.parse(text);
	} catch (error) {
		throw new Mistake(`${file} is not JSON: ${error.message}`);
	}
	return checkConfig(config, file);
}

export function checkConfig(config, file) {
	if (!validate(config))
		throw new Mistake(`${file}: ${say(validate.errors[0])}`);
	for (const [key, needed] of [['ledger', 'points_policy'], ['events', 'funnel'], ['funnel', 'events'], ['proposal', 'program']])
		if (key in config && !(needed in config))
			throw new Mistake(`${file}: ${needed} is missing, which ${key} needs`);
	return { ...defaults, ...config };
}
