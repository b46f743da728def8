import { mount } from 'svelte';
import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/rows.css';
import './styles/syntax.css';
import App from './app.svelte';

const target = document.querySelector('#page');
if (target) mount(App, { target });
